//! A law of growth as a drawing: one SVG file, which needs nothing else, in light and dark.

use std::fmt::{self, Write};

/// Something over tenfold steps of something else.
pub struct Picture {
    /// Name of the file, without its ending.
    pub name: &'static str,
    /// What stands above it.
    pub title: &'static str,
    /// What grows from left to right, tenfold from one mark to the next.
    pub x: &'static str,
    /// The unit of what stands above it, from 0 on.
    pub y: &'static str,
    /// One line each.
    pub series: Vec<Series>,
}

/// A line.
pub struct Series {
    /// What it shows.
    pub name: &'static str,
    /// Its points from left to right; all above 0.
    pub points: Vec<(f64, f64)>,
}

/// The whole drawing, in its own units.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 340.0;

/// What lies between its edges and the lines. The names of the lines stand to their right.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 215.0;
const TOP: f64 = 74.0;
const BOTTOM: f64 = 56.0;

/// The least distance between the names of two lines.
const NAME_HEIGHT: f64 = 34.0;

/// How many grid lines there are above the lowest, at the most.
const STEPS_MAX: f64 = 5.0;

const STYLE: &str = "\
:root{color-scheme:light dark;--card:#fff;--line:#e2e5e9;--text:#1a1d21;--faint:#585f69;--a:#0b57a4;--b:#b4540a;--c:#14693a}\
@media(prefers-color-scheme:dark){:root{--card:#1b1e22;--line:#343941;--text:#e8eaed;--faint:#a6adb8;--a:#84b9f5;--b:#f1a35c;\
--c:#7bd49c}}\
.card{fill:var(--card);stroke:var(--line)}.grid{stroke:var(--line)}.axis{stroke:var(--faint)}\
text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--faint)}\
.title{font-size:17px;font-weight:600;fill:var(--text)}.name{font-weight:600}\
.plot{fill:none;stroke-width:2.5;stroke-linejoin:round;stroke-linecap:round}.dot{stroke:var(--card);stroke-width:2}\
.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}\
.fa{fill:var(--a)}.fb{fill:var(--b)}.fc{fill:var(--c)}";

const COLOURS: [&str; 3] = ["a", "b", "c"];

impl Picture {
    /// The drawing.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut svg);
        svg
    }

    fn write(&self, svg: &mut String) -> fmt::Result {
        let frame = Frame::of(self);
        let Self { title, x, y, .. } = self;
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-label=\"{title}\">\n<style>{STYLE}</style>\n\
             <rect class=\"card\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"10\"/>\n\
             <text class=\"title\" x=\"22\" y=\"34\">{title}</text>\n<text x=\"22\" y=\"55\">{y}</text>",
            WIDTH - 1.0,
            HEIGHT - 1.0,
        )?;
        frame.write_grid(svg)?;
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        writeln!(svg, "<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{x}</text>", HEIGHT - 16.0)?;
        let ends = self.series.iter().map(|series| series.points.last().map_or(0.0, |(_, y)| frame.y(*y)));
        let names = spread(&ends.collect::<Vec<f64>>());
        for ((series, colour), name_y) in self.series.iter().zip(COLOURS).zip(names) {
            series.write(svg, &frame, colour, name_y)?;
        }
        svg.push_str("</svg>\n");
        Ok(())
    }
}

impl Series {
    fn write(&self, svg: &mut String, frame: &Frame, colour: &str, name_y: f64) -> fmt::Result {
        write!(svg, "<path class=\"plot {colour}\" d=\"")?;
        for (number, (x, y)) in self.points.iter().enumerate() {
            let command = if number == 0 { 'M' } else { 'L' };
            write!(svg, "{command}{:.1} {:.1}", frame.x(*x), frame.y(*y))?;
        }
        svg.push_str("\"/>\n");
        for (x, y) in &self.points {
            let (x, y) = (frame.x(*x), frame.y(*y));
            writeln!(svg, "<circle class=\"dot f{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"/>")?;
        }
        let (x, Self { name, .. }) = (WIDTH - RIGHT + 14.0, self);
        let value = |(_, y): &(f64, f64)| number(*y);
        let (first, last) = (self.points.first().map(value), self.points.last().map(value));
        let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
        let course = if first == last { first } else { format!("{first} \u{2192} {last}") };
        writeln!(
            svg,
            "<text class=\"name f{colour}\" style=\"fill:var(--{colour})\" x=\"{x}\" y=\"{name_y:.1}\">{name}</text>\n\
             <text x=\"{x}\" y=\"{:.1}\">{course}</text>",
            name_y + 16.0,
        )
    }
}

/// Where values lie.
struct Frame {
    /// The exponents of ten at the left and at the right edge.
    decades: (f64, f64),
    /// The distance of the grid lines.
    step: f64,
    top: f64,
}

impl Frame {
    fn of(picture: &Picture) -> Self {
        let points = || picture.series.iter().flat_map(|series| &series.points);
        let least = points().fold(f64::INFINITY, |least, (x, _)| least.min(*x));
        let most = points().fold(1.0_f64, |most, (x, _)| most.max(*x));
        let highest = points().fold(0.0_f64, |highest, (_, y)| highest.max(*y));
        let power = 10_f64.powf((highest / STEPS_MAX).log10().floor());
        let fits = |factor: &f64| highest <= factor * power * STEPS_MAX;
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0) * power;
        Self {
            decades: (least.log10().floor(), most.log10().ceil()),
            step,
            top: step * (highest / step).ceil(),
        }
    }

    fn x(&self, value: f64) -> f64 {
        let (from, to) = self.decades;
        LEFT + (WIDTH - LEFT - RIGHT) * (value.log10() - from) / (to - from).max(1.0)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top
    }

    fn write_grid(&self, svg: &mut String) -> fmt::Result {
        let mut value = 0.0;
        while value <= self.top * 1.001 {
            let (y, class) = (self.y(value), if value == 0.0 { "axis" } else { "grid" });
            writeln!(
                svg,
                "<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 10.0,
                y + 4.5,
                number(value),
            )?;
            value += self.step;
        }
        let (from, to) = self.decades;
        for decade in from as i32..=to as i32 {
            let (value, y) = (10_f64.powi(decade), HEIGHT - BOTTOM);
            let x = self.x(value);
            writeln!(
                svg,
                "<path class=\"axis\" d=\"M{x:.1} {y}v5\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                y + 20.0,
                number(value),
            )?;
        }
        Ok(())
    }
}

/// Places for names as near to the ends of their lines as they can be without covering each other.
fn spread(ends: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by(|a, b| ends[*a].total_cmp(&ends[*b]));
    let mut places = vec![0.0; ends.len()];
    let mut least = TOP;
    for number in &order {
        places[*number] = ends[*number].max(least);
        least = places[*number] + NAME_HEIGHT;
    }
    // What has been pushed below the drawing is pushed up again, with what is above it.
    let mut most = HEIGHT - BOTTOM - 12.0;
    for number in order.iter().rev() {
        places[*number] = places[*number].min(most);
        most = places[*number] - NAME_HEIGHT;
    }
    places
}

/// A number as short as it can be read.
fn number(value: f64) -> String {
    let digits = match value {
        0.0 => 0,
        ..1.0 => 2,
        ..10.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let start = whole.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if start > 0 {
        groups.push(&whole[..start]);
    }
    groups.extend((start..whole.len()).step_by(3).map(|at| &whole[at..at + 3]));
    let rest = rest.trim_end_matches('0');
    if rest.is_empty() { groups.join(",") } else { format!("{}.{rest}", groups.join(",")) }
}
