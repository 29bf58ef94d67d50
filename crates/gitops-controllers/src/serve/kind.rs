//! The kinds that can be served.

/// A kind that can be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// `source.toolkit.fluxcd.io`
    GitRepository,
    /// `kustomize.toolkit.fluxcd.io`
    Kustomization,
    /// `image.toolkit.fluxcd.io`
    ImageRepository,
    /// `image.toolkit.fluxcd.io`
    ImagePolicy,
    /// `notification.toolkit.fluxcd.io`
    Provider,
    /// `notification.toolkit.fluxcd.io`
    Alert,
    /// `notification.toolkit.fluxcd.io`
    Receiver,
}

impl Kind {
    /// All kinds that can be served.
    pub const ALL: &'static [Self] = &[
        Self::GitRepository,
        Self::Kustomization,
        Self::ImageRepository,
        Self::ImagePolicy,
        Self::Provider,
        Self::Alert,
        Self::Receiver,
    ];

    /// Returns the kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitRepository => "GitRepository",
            Self::Kustomization => "Kustomization",
            Self::ImageRepository => "ImageRepository",
            Self::ImagePolicy => "ImagePolicy",
            Self::Provider => "Provider",
            Self::Alert => "Alert",
            Self::Receiver => "Receiver",
        }
    }

    /// Returns the name under which Flux's controller of this kind reports.
    pub fn controller(self) -> &'static str {
        match self {
            Self::GitRepository => "source-controller",
            Self::Kustomization => "kustomize-controller",
            Self::ImageRepository | Self::ImagePolicy => "image-reflector-controller",
            Self::Provider | Self::Alert | Self::Receiver => "notification-controller",
        }
    }

    /// Returns the kinds whose objects must be known where this one is served, itself included.
    pub(crate) fn watched(self) -> &'static [Self] {
        match self {
            Self::GitRepository => &[Self::GitRepository],
            Self::Kustomization => &[Self::Kustomization, Self::GitRepository],
            Self::ImageRepository => &[Self::ImageRepository],
            Self::ImagePolicy => &[Self::ImagePolicy, Self::ImageRepository],
            Self::Provider => &[Self::Provider],
            Self::Alert => &[Self::Alert, Self::Provider],
            Self::Receiver => &[Self::Receiver],
        }
    }

    /// Tells whether events about the kind are told to alerts. Those about notification itself are not, as in Flux: an alert
    /// about an alert that failed would not end.
    pub(crate) fn is_told_to_alerts(self) -> bool {
        !matches!(self, Self::Provider | Self::Alert | Self::Receiver)
    }
}

impl std::str::FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|kind| kind.name() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("kind '{text}' is not served; choose among {}", names.join(", "))
        })
    }
}
