//! The drawing surface: `plotters`' SVG backend, with this report's colors and letters.

use std::io;

use plotters::coord::Shift;
use plotters::prelude::{
    Circle, DrawingArea, DrawingAreaErrorKind, IntoDrawingArea, PathElement, Polygon, RGBColor,
    Rectangle, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, IntoFont, RGBAColor, ShapeStyle};

/// Width of every picture. Pictures are shown at half this size or less, so that coordinates, which
/// are whole numbers, are finer than a pixel.
pub(super) const WIDTH: i32 = 1200;
/// Height of a line of text, and what must be free for one.
pub(super) const LINE_HEIGHT: i32 = 36;

/// The measured values.
pub(super) const BLUE: RGBColor = RGBColor(59, 130, 246);
/// The limit.
pub(super) const ORANGE: RGBColor = RGBColor(224, 100, 20);
/// Axes and grid.
pub(super) const GRAY: RGBColor = RGBColor(128, 128, 128);
/// Stands for the color of the surrounding text, which only the page knows.
const INK: RGBColor = RGBColor(1, 2, 3);
/// [`INK`] as the backend writes it, and what it is replaced with.
const INK_ATTRIBUTE: (&str, &str) = ("fill=\"#010203\"", "fill=\"currentColor\"");

/// `plotters` writes a font size of `size / 1.24`.
const FONT_SIZE: f64 = 27.0 * 1.24;

/// Why a picture can't be drawn; it can, into a string.
pub(super) type Error = DrawingAreaErrorKind<io::Error>;
/// A point: right, then down, from the upper left.
pub(super) type Point = (i32, i32);

/// A picture in the making.
pub(super) struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// Draws a picture of `height`; `spoken` describes it to those who can't see it.
pub(super) fn picture(
    height: u32,
    spoken: &str,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), Error>,
) -> Result<String, Error> {
    let mut svg = String::new();
    let area =
        SVGBackend::with_string(&mut svg, (WIDTH.unsigned_abs(), height)).into_drawing_area();
    let canvas = Canvas { area };
    draw(&canvas)?;
    canvas.area.present()?;
    drop(canvas);
    let label = spoken
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;");
    let head = format!("<svg role=\"img\" aria-label=\"{label}\" ");
    // Text content can hold no bare quote, so only attributes are replaced.
    let svg = svg.replacen("<svg ", &head, 1).replace(INK_ATTRIBUTE.0, INK_ATTRIBUTE.1);
    Ok(svg)
}

/// `share` of the way from `start` to `end`.
#[expect(clippy::cast_possible_truncation, reason = "between two coordinates")]
pub(super) fn along((start, end): (i32, i32), share: f64) -> i32 {
    start + (share.clamp(0.0, 1.0) * f64::from(end - start)).round() as i32
}

impl Canvas<'_> {
    /// A line through `points`.
    pub(super) fn line(
        &self,
        points: Vec<Point>,
        color: RGBColor,
        width: u32,
    ) -> Result<(), Error> {
        self.area.draw(&PathElement::new(points, color.stroke_width(width)))
    }

    /// A faint line of the grid.
    pub(super) fn grid(&self, from: Point, to: Point) -> Result<(), Error> {
        let style = ShapeStyle { color: GRAY.mix(0.28), filled: false, stroke_width: 2 };
        self.area.draw(&PathElement::new(vec![from, to], style))
    }

    /// A rectangle filled with `color`.
    pub(super) fn fill(&self, from: Point, to: Point, color: RGBAColor) -> Result<(), Error> {
        self.area.draw(&Rectangle::new([from, to], color.filled()))
    }

    /// A dot.
    pub(super) fn dot(&self, at: Point, color: RGBColor) -> Result<(), Error> {
        self.area.draw(&Circle::new(at, 9, color.filled()))
    }

    /// An arrowhead at `tip` that points up or down.
    pub(super) fn arrowhead(&self, tip: Point, up: bool, color: RGBColor) -> Result<(), Error> {
        let base = if up { tip.1 + 20 } else { tip.1 - 20 };
        let corners = vec![tip, (tip.0 - 12, base), (tip.0 + 12, base)];
        self.area.draw(&Polygon::new(corners, color.filled()))
    }

    /// Text in the page's color, `anchor` of it at `at`.
    pub(super) fn text(&self, text: &str, at: Point, anchor: (HPos, VPos)) -> Result<(), Error> {
        let font = (FontFamily::SansSerif, FONT_SIZE).into_font();
        let style = font.color(&INK).pos(Pos::new(anchor.0, anchor.1));
        self.area.draw(&Text::new(text, at, style))
    }
}
