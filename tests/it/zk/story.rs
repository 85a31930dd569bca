//! Story
