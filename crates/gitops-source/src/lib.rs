//! An origin becomes a verified, content-addressed artifact.
