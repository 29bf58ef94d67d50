//! Which tags a repository has.

use gitops_api::image_v1::ScanResult;
use gitops_source::oci::{ImageName, OciClient, RegistryCredentials};

use crate::error::ImageError;
use crate::exclusion::ExclusionList;
use crate::tags::{RepositoryKey, TagSet, TagStore, Written};

/// Scans repositories with one client, whose connections and tokens the scans share.
///
/// ```no_run
/// use gitops_image::{DiskTagStore, ExclusionList, RepositoryKey, Scanner};
/// use gitops_source::oci::{ImageName, OciClient, OciOptions, RegistryCredentials};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let scanner = Scanner::new(OciClient::new(OciOptions::default())?);
/// let image = ImageName::parse("ghcr.io/stefanprodan/podinfo")?;
/// let report = scanner.scan(&image, &RegistryCredentials::anonymous(), &ExclusionList::of(None)?).await?;
/// println!("{report}");
/// report.store(&DiskTagStore::new("/data")?, &RepositoryKey::new("flux-system", "podinfo")?)?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Scanner {
    client: OciClient,
}

impl Scanner {
    /// Returns a scanner. The client's options bound the time of a scan, and its pages, bytes and tags.
    #[must_use]
    pub fn new(client: OciClient) -> Self {
        Self { client }
    }

    /// Lists a repository's tags and leaves out those that are excluded.
    ///
    /// # Errors
    /// [`ImageError::Scan`] when the registry cannot be asked or its answer cannot be used: then nothing is returned,
    /// also when some pages could be read.
    pub async fn scan(
        &self,
        image: &ImageName,
        credentials: &RegistryCredentials,
        exclusions: &ExclusionList,
    ) -> Result<ScanReport, ImageError> {
        let listed = self.client.list_tags(image, credentials).await.map_err(ImageError::Scan)?;
        ScanReport::of(listed, exclusions)
    }

    /// Returns the client, which also finds the digests of tags.
    #[must_use]
    pub fn client(&self) -> &OciClient {
        &self.client
    }
}

/// What a scan found. Prints as the message of Flux's condition.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ScanReport {
    /// The tags that are kept.
    pub tags: TagSet,
    /// How many tags the registry listed.
    pub listed: usize,
}

impl ScanReport {
    /// Returns the report of the tags that a registry listed.
    ///
    /// # Errors
    /// [`ImageError::Limit`] when the tags that are left have more than [`TagSet::MAX_BYTES`] together.
    pub fn of<T: AsRef<str>>(
        listed: impl IntoIterator<Item = T>,
        exclusions: &ExclusionList,
    ) -> Result<Self, ImageError> {
        let mut count = 0;
        let kept =
            listed.into_iter().inspect(|_| count += 1).filter(|tag| !exclusions.excludes(tag.as_ref()));
        let tags = TagSet::new(kept)?;
        Ok(Self { tags, listed: count })
    }

    /// Returns how many tags the exclusion list left out.
    #[must_use]
    pub fn excluded(&self) -> usize {
        self.listed - self.tags.len()
    }

    /// Stores the tags, unless the very same are stored.
    ///
    /// # Errors
    /// [`ImageError::Store`] when the store does not take them.
    pub fn store(&self, store: &dyn TagStore, key: &RepositoryKey) -> Result<Written, ImageError> {
        store.write(key, &self.tags)
    }

    /// Returns what an ImageRepository's status says of the scan, but for its time.
    #[must_use]
    pub fn result(&self) -> ScanResult {
        ScanResult {
            latest_tags: self.tags.latest_tags(),
            revision: Some(self.tags.revision()),
            scan_time: None,
            tag_count: i64::try_from(self.tags.len()).unwrap_or(i64::MAX),
        }
    }
}

impl std::fmt::Display for ScanReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "successful scan: found {} tags with checksum {}", self.tags.len(), self.tags.revision())
    }
}
