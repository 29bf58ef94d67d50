//! The programs stand beside this file, one folder each; there is nothing to link against.
