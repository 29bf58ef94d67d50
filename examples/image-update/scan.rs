//! The scan, with a bar that shows how far it is.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use gitops_api::image_v1::ImageRepositorySpec;
use gitops_image::{ExclusionList, ScanReport, Scanner};
use gitops_source::oci::OciClient;
use indicatif::{ProgressBar, ProgressStyle};

use super::flags::Flags;
use super::fleet::Name;

/// How many repositories are scanned at once; connections and tokens are shared.
const AT_ONCE: usize = 8;

/// Returns the image of each repository, as its manifest names it, and what was found.
pub(crate) async fn scan(
    repositories: &[(Name, ImageRepositorySpec)],
    flags: &Flags,
) -> Result<BTreeMap<Name, (String, ScanReport)>, Box<dyn Error>> {
    let scanner = Scanner::new(OciClient::new(flags.options()?)?);
    let bar = if flags.quiet { ProgressBar::hidden() } else { ProgressBar::new(repositories.len() as u64) };
    bar.set_style(ProgressStyle::with_template("{spinner} scanning [{bar:30}] {pos}/{len} {msg}")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let one = |(name, spec): &(Name, ImageRepositorySpec)| {
        let (scanner, bar, name, spec) = (scanner.clone(), bar.clone(), name.clone(), spec.clone());
        async move {
            let image = flags.asked(&spec.image)?;
            let exclusions = ExclusionList::of(spec.exclusion_list.as_deref())?;
            let report = scanner.scan(&image, &flags.credentials(&image)?, &exclusions).await?;
            bar.println(format!("{name} {image}: {report}"));
            bar.set_message(spec.image.clone());
            bar.inc(1);
            Ok::<_, Box<dyn Error>>((name, (spec.image, report)))
        }
    };
    let scans = stream::iter(repositories.iter().map(one)).buffer_unordered(AT_ONCE).try_collect().await;
    bar.finish_and_clear();
    scans
}
