//! What the measurements share: running a peer, and printing a ratio.
