//! The picture of the layers in `docs/internals/layers.svg` is made of the table that the other tests check.

use std::fmt::Write as _;
use std::path::Path;

use super::LAYERS;

const ROW: usize = 40;
const WIDTH: usize = 860;
/// Where the descriptions begin.
const TEXT: usize = 380;
/// How wide a character of a module's name is drawn.
const CHARACTER: usize = 8;

/// Colours follow the reader's light or dark theme.
const STYLE: &str = "\
  <style>
    text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2328 }
    .module { font-family: ui-monospace, monospace; fill: #0550ae }
    .box { fill: #ddf4ff; stroke: #54aeff }
    .line { stroke: #d0d7de }
    .arrow { stroke: #656d76; fill: none; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .module { fill: #79c0ff }
      .box { fill: #121d2f; stroke: #1f6feb }
      .line { stroke: #30363d }
      .arrow { stroke: #8d96a0 }
    }
  </style>
";

fn draw() -> String {
    let height = LAYERS.len() * ROW + 20;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"The layers of authctl, from the top down\">\n{STYLE}"
    );
    let bottom = height - 14;
    let _ = writeln!(
        picture,
        "  <path class=\"arrow\" d=\"M14 10 V{bottom} M8 {} L14 {bottom} L20 {}\"/>",
        bottom - 8,
        bottom - 8
    );
    for (row, (modules, description)) in LAYERS.iter().enumerate() {
        let top = row * ROW + 8;
        let mut left = 34;
        for module in *modules {
            let width = module.len() * CHARACTER + 18;
            let _ = writeln!(
                picture,
                "  <rect class=\"box\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"26\" rx=\"5\"/>\n  \
                 <text class=\"module\" x=\"{}\" y=\"{}\" textLength=\"{}\">{module}</text>",
                left + 9,
                top + 18,
                module.len() * CHARACTER
            );
            left += width + 8;
        }
        let text = TEXT.max(left + 8);
        let _ = writeln!(
            picture,
            "  <text x=\"{text}\" y=\"{}\">{}</text>",
            top + 18,
            description.replace('&', "&amp;")
        );
        if row > 0 {
            let _ = writeln!(
                picture,
                "  <line class=\"line\" x1=\"34\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>",
                WIDTH - 10,
                top - 7,
                top - 7
            );
        }
    }
    picture.push_str("</svg>\n");
    picture
}

/// `packaging/update` sets the variable; then the picture is written.
#[test]
fn the_picture_of_the_layers_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/internals/layers.svg");
    let drawn = draw();
    if std::env::var_os("AUTHCTL_UPDATE_PICTURES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &drawn).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stored, drawn, "run packaging/update");
}
