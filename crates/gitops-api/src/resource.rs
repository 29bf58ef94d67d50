//! A macro for the kinds.

/// Defines a kind: the root type with metadata, spec and status, and what kube asks of it.
///
/// kube's own derive makes a `spec` mandatory when an object is read, gives every new object the
/// annotations of its CRD, and admits null wherever a field is optional. Flux's kinds do none of the three,
/// and one object without a spec must not stop the watch of all others.
macro_rules! resource {
    (
        $(#[$doc:meta])*
        pub struct $name:ident {
            spec: $spec:ty,
            $( status: $status:ty, $( status_default: $status_default:tt, )? )?
        }
        kind: $kind:literal,
        description: $description:literal,
        group: $group:literal,
        version: $version:literal,
        plural: $plural:literal,
        singular: $singular:literal,
        short_names: [$($short:literal),*],
        categories: [$($category:literal),*],
        annotations: [$(($annotation:expr, $annotation_value:expr)),*],
        columns: [$(($column:literal, $column_type:literal, $column_path:literal $(, priority $priority:literal)?)),* $(,)?],
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            /// Name, namespace, labels and whatever else the API server keeps of every object.
            pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
            /// What is wanted.
            pub spec: $spec,
            $(
                /// What is.
                pub status: Option<$status>,
            )?
        }

        impl $name {
            /// Returns a new object with this name, without namespace and status.
            pub fn new(name: &str, spec: $spec) -> Self {
                let mut object = Self { spec, ..Self::default() };
                object.metadata.name = Some(name.to_owned());
                object
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("apiVersion", &<Self as kube::Resource>::api_version(&()))?;
                map.serialize_entry("kind", $kind)?;
                map.serialize_entry("metadata", &self.metadata)?;
                map.serialize_entry("spec", &self.spec)?;
                $(
                    let status: &Option<$status> = &self.status;
                    if let Some(status) = status {
                        map.serialize_entry("status", status)?;
                    }
                )?
                map.end()
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $kind.into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let spec = generator.subschema_for::<$spec>();
                #[allow(unused_mut, unused_assignments)]
                let mut status = None;
                $(
                    #[allow(unused_mut, unused_assignments)]
                    let mut default = None;
                    $( default = Some(serde_json::json!($status_default)); )?
                    status = Some((generator.subschema_for::<$status>(), default));
                )?
                $crate::schema::object_schema($description, spec, status)
            }
        }

        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = kube::core::NamespaceResourceScope;

            fn kind(_: &()) -> std::borrow::Cow<'_, str> {
                $kind.into()
            }

            fn group(_: &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }

            fn version(_: &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }

            fn plural(_: &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }

        impl kube::core::object::HasSpec for $name {
            type Spec = $spec;

            fn spec(&self) -> &$spec {
                &self.spec
            }

            fn spec_mut(&mut self) -> &mut $spec {
                &mut self.spec
            }
        }

        $(
            impl kube::core::object::HasStatus for $name {
                type Status = $status;

                fn status(&self) -> Option<&$status> {
                    self.status.as_ref()
                }

                fn status_mut(&mut self) -> &mut Option<$status> {
                    &mut self.status
                }
            }
        )?

        impl kube::CustomResourceExt for $name {
            fn crd() -> $crate::CustomResourceDefinition {
                #[allow(unused_mut, unused_assignments)]
                let mut has_status = false;
                $(
                    let _: Option<$status> = None;
                    has_status = true;
                )?
                $crate::crd::definition($crate::crd::Kind {
                    group: $group,
                    version: $version,
                    kind: $kind,
                    plural: $plural,
                    singular: $singular,
                    short_names: &[$($short),*],
                    categories: &[$($category),*],
                    annotations: &[$(($annotation, $annotation_value)),*],
                    columns: vec![$($crate::crd::Column {
                        name: $column,
                        type_: $column_type,
                        path: $column_path,
                        priority: None$(.or(Some($priority)))?,
                    }),*],
                    has_status,
                    schema: $crate::schema::root_schema::<Self>(),
                })
            }

            fn crd_name() -> &'static str {
                concat!($plural, ".", $group)
            }

            fn api_resource() -> kube::core::ApiResource {
                kube::core::ApiResource::erase::<Self>(&())
            }

            fn shortnames() -> &'static [&'static str] {
                &[$($short),*]
            }
        }
    };
}

pub(crate) use resource;
