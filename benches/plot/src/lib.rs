//! Line plots as SVG: x logarithmic or from 0 on, y from 0 on or logarithmic, readable on light and on dark ground.
//!
//! `--plots FOLDER` on the command line says where they go; without it none is written.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::OnceLock;
use std::{fs, io};

/// The first argument of the command line that is no scenario, and takes the folder behind it.
pub const OPTION: &str = "--plots";

static FOLDER: OnceLock<String> = OnceLock::new();

/// Where plots go from now on; the first word counts.
pub fn into(folder: String) {
    let _ = FOLDER.set(folder);
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 100.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 58.0;
/// Of a letter at 12 pixels, about.
const LETTER: f64 = 6.7;
const STYLE: &str = "\
text{font:12px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}
.title{font-size:15px;font-weight:600}
.ground{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}.axis{stroke:#59636e;stroke-width:1}
.line{fill:none;stroke-width:2}.ring{stroke-width:2;fill:#ffffff}
.c0{stroke:#0550ae}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#bf3989}.c5{stroke:#59636e}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}
.ground{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#9198a1}.ring{fill:#0d1117}
.c0{stroke:#79c0ff}.c1{stroke:#ffa657}.c2{stroke:#56d364}.c3{stroke:#d2a8ff}.c4{stroke:#ff9bce}.c5{stroke:#b1bac4}}";
/// Lines are told apart without colours, too.
const DASHES: [&str; 6] = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2"];

/// A plot, and its lines.
#[derive(Debug)]
pub struct Plot<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    logarithmic: bool,
    from_zero: bool,
    lines: Vec<(&'a str, Vec<(f64, f64)>)>,
}

impl<'a> Plot<'a> {
    /// With a title, and what its two axes are. x is logarithmic, and above 0.
    #[must_use]
    pub fn new(title: &'a str, x: &'a str, y: &'a str) -> Self {
        Self { title, x, y, logarithmic: false, from_zero: false, lines: Vec::new() }
    }

    /// x is linear, from 0 on, with so many points that they are not marked.
    #[must_use]
    pub fn from_zero(mut self) -> Self {
        self.from_zero = true;
        self
    }

    /// y is logarithmic, and above 0.
    #[must_use]
    pub fn logarithmic(mut self) -> Self {
        self.logarithmic = true;
        self
    }

    /// One more line, its points in the order of x. There are colours for six.
    #[must_use]
    pub fn line(mut self, name: &'a str, points: Vec<(f64, f64)>) -> Self {
        self.lines.push((name, points));
        self
    }

    /// Writes `NAME.svg` to where `--plots` says.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn save(&self, name: &str) {
        if let Some(folder) = FOLDER.get() {
            let written = self.write(&Path::new(folder).join(name).with_extension("svg"));
            written.unwrap_or_else(|error| panic!("{folder}/{name}.svg: {error}"));
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, self.svg())
    }

    fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let mut xs: Vec<f64> = points().map(|point| point.0).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        let (first, last) = (xs.first().copied().unwrap_or(1.0), xs.last().copied().unwrap_or(10.0));
        let across = |x: f64| {
            let share = if self.from_zero {
                x / last
            } else {
                (x / first).log10() / (last / first).log10().max(f64::MIN_POSITIVE)
            };
            LEFT + WIDTH * share
        };
        let rows = if self.logarithmic { decades(points()) } else { steps(points().map(|point| point.1)) };
        let (low, high) = (rows.first().copied().unwrap_or(0.0), rows.last().copied().unwrap_or(1.0));
        let up = |y: f64| {
            let share = if self.logarithmic { (y / low).log10() / (high / low).log10() } else { y / high };
            TOP + HEIGHT * (1.0 - share)
        };

        let names = self.lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) as f64;
        let legend = LEFT + WIDTH + 24.0;
        let (width, height) = ((legend + 44.0 + names * LETTER).ceil(), TOP + HEIGHT + BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">\n<style>{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n",
            escaped(self.title),
        );
        let mut text = |x: f64, y: f64, more: &str, text: &str| {
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\"{more}>{}</text>", escaped(text));
        };
        text(LEFT, 28.0, " class=\"title\"", self.title);
        text(LEFT + WIDTH / 2.0, TOP + HEIGHT + 44.0, " text-anchor=\"middle\"", self.x);
        let (middle, turned) = (TOP + HEIGHT / 2.0, format!("rotate(-90 18 {:.1})", TOP + HEIGHT / 2.0));
        text(18.0, middle, &format!(" text-anchor=\"middle\" transform=\"{turned}\""), self.y);
        for y in &rows {
            text(LEFT - 8.0, up(*y) + 4.0, " text-anchor=\"end\"", &number(*y));
        }
        // Powers of ten, but where there are hardly any: their own values.
        let columns = if self.from_zero {
            steps(xs.into_iter()).into_iter().filter(|x| *x <= last).collect()
        } else if last / first > 100.0 {
            xs.into_iter().filter(|x| x.log10().fract() == 0.0).collect()
        } else {
            xs
        };
        for x in &columns {
            text(across(*x), TOP + HEIGHT + 20.0, " text-anchor=\"middle\"", &number(*x));
        }
        for (at, (name, _)) in self.lines.iter().enumerate() {
            text(legend + 38.0, TOP + 12.0 + 22.0 * at as f64, "", name);
        }

        let mut stroke = |class: &str, [x1, y1, x2, y2]: [f64; 4], more: &str| {
            let at = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
            let _ = writeln!(svg, "<line class=\"{class}\" {at}{more}/>");
        };
        for y in &rows {
            stroke("grid", [LEFT, up(*y), LEFT + WIDTH, up(*y)], "");
        }
        stroke("axis", [LEFT, TOP + HEIGHT, LEFT + WIDTH, TOP + HEIGHT], "");
        for x in &columns {
            stroke("axis", [across(*x), TOP + HEIGHT, across(*x), TOP + HEIGHT + 5.0], "");
        }
        for at in 0..self.lines.len() {
            let y = TOP + 8.0 + 22.0 * at as f64;
            stroke(&format!("line c{}", at % 6), [legend, y, legend + 30.0, y], &dash(at));
        }

        for (at, (_, points)) in self.lines.iter().enumerate() {
            let (colour, mut path) = (at % 6, String::new());
            for (x, y) in points {
                let _ = write!(path, "{:.1},{:.1} ", across(*x), up(*y));
            }
            let _ = writeln!(svg, "<polyline class=\"line c{colour}\" points=\"{path}\"{}/>", dash(at));
            for (x, y) in points.iter().filter(|_| !self.from_zero) {
                let (x, y) = (across(*x), up(*y));
                let _ =
                    writeln!(svg, "<circle class=\"ring c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
            }
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// From 0, in about five steps of 1, 2 or 5 times a power of ten, past the highest.
fn steps(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let highest = values.fold(f64::MIN_POSITIVE, f64::max);
    let power = 10_f64.powf((highest / 5.0).log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| step * 5.0 >= highest);
    let step = step.unwrap_or(highest);
    (0..=(highest / step).ceil() as u32).map(|count| f64::from(count) * step).collect()
}

/// Powers of ten, from the one below the lowest to the one above the highest.
fn decades<'a>(points: impl Iterator<Item = &'a (f64, f64)>) -> Vec<f64> {
    let ys: Vec<f64> = points.map(|point| point.1.log10()).collect();
    let low = ys.iter().copied().fold(f64::INFINITY, f64::min).floor() as i32;
    let high = ys.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil() as i32;
    (low..=high.max(low + 1)).map(|power| 10_f64.powi(power)).collect()
}

fn dash(at: usize) -> String {
    match DASHES[at % 6] {
        "" => String::new(),
        dashes => format!(" stroke-dasharray=\"{dashes}\""),
    }
}

/// `12,000`, or `0.25`.
pub fn number(value: f64) -> String {
    if value.fract() != 0.0 && value < 1000.0 {
        let text = format!("{value:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot<'static> {
        Plot::new("a < b & \"c\"", "x", "ns").line("one", vec![(1.0, 3.0), (1000.0, 47.0)])
    }

    #[test]
    fn points_lie_where_their_values_say() {
        let svg = plot().svg();
        // 3 of 50 above the foot, and 47 of 50, at the first and the last x.
        assert!(svg.contains("points=\"100.0,300.4 560.0,71.6 \""), "{svg}");
        let svg = plot().from_zero().svg();
        assert!(svg.contains("points=\"100.5,300.4 560.0,71.6 \"") && svg.contains(">400</text>"), "{svg}");
        let svg = plot().logarithmic().line("two", vec![(1.0, 10.0)]).svg();
        assert!(svg.contains("points=\"100.0,186.0 \""), "{svg}");
    }

    #[test]
    fn texts_are_escaped() {
        assert!(plot().svg().contains(">a &lt; b &amp; &quot;c&quot;</text>"));
    }

    #[test]
    fn numbers_are_read_easily() {
        assert_eq!([1_234_567.0, 999.0, 0.25, 2.5].map(number), ["1,234,567", "999", "0.25", "2.5"]);
    }
}
