//! The configuration: every error by itself, the layers, the mask.

mod errors;
mod files;
mod layers;

const X: &str = "[credentials.x]\ndomain = \"x.example\"\n";
