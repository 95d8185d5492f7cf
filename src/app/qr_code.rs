//! A URL as a QR code for a terminal.

use url::Url;

use crate::text::style::styled;

/// Renders the URL as a QR code with two modules per character. It draws the light modules, so that the code is readable on
/// a dark terminal even without colours.
pub fn qr_code(url: &Url) -> Option<String> {
    use qrcode::render::unicode::Dense1x2;
    let code = qrcode::QrCode::with_error_correction_level(url.as_str(), qrcode::EcLevel::L).ok()?;
    let picture = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
    let style = anstyle::Style::new()
        .fg_color(Some(anstyle::AnsiColor::BrightWhite.into()))
        .bg_color(Some(anstyle::AnsiColor::Black.into()));
    let lines: Vec<String> = picture.lines().map(|line| format!("    {}", styled(style, line))).collect();
    Some(lines.join("\n"))
}
