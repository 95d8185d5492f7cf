//! The configuration: each error separately, the layers, the masking of secrets.

mod errors;
mod files;
mod layers;

const X: &str = "[credentials.x]\ndomain = \"x.example\"\n";
