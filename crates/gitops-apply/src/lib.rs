//! Objects become cluster state: plan by dry-run, staged apply, health, inventory, prune.
