//! Files of ground truth. `attrax-vot` has a reader of its own
//! (`evaluation/attrax_vot/datasets/truth.py`), for the toolkit's files;
//! `tests/data/ground_truth.toml` holds lines and files that both must read alike.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use trax::{Limits, Rectangle, Region};

/// Bytes of a file; ten thousand frames with masks take about 50 MB.
const LARGEST: u64 = 128 << 20;
/// Pixels of a mask.
const LARGEST_MASK: i64 = 64 << 20;
/// Farther from the origin than this is no place in a frame.
const FARTHEST: f64 = 1e6;
/// Where a file with such a name counts from: OTB's count pixels from 1.
const FROM_ONE: &str = "groundtruth_rect";
/// What a line may be.
const FORMS: &str = "a line is x,y,width,height, the corners x1,y1,x2,y2,... of a polygon, or a mask m...; nan,nan,nan,nan is no target";

/// Where the target is in a frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A rectangle or a polygon.
    Region(Region),
    /// A mask's left, top, width, height and runs: unpacked masks of all frames may take gigabytes.
    Mask(String),
}

impl Place {
    /// The region. None for a mask that cannot be unpacked, which a place that was read never is.
    pub fn region(&self) -> Option<Region> {
        match self {
            Self::Region(region) => Some(region.clone()),
            Self::Mask(numbers) => {
                let limits = Limits::default().mask_pixels(LARGEST_MASK as u64);
                Region::parse(&format!("mask:{numbers}"), &limits).ok()
            }
        }
    }
}

/// The places of a file, line by line, with pixels counted from 0; none where a line says that
/// there is no target.
///
/// # Errors
/// The file cannot be read, is empty, or has a line that makes no sense.
pub fn read(path: &Path) -> anyhow::Result<Vec<Option<Place>>> {
    let shown = path.display();
    let cannot = || format!("cannot read {shown}");
    // A shell's <(command) is a pipe under /dev.
    let is_pipe = fs::metadata(path).with_context(cannot)?.file_type().is_fifo();
    ensure!(!is_pipe || path.starts_with("/dev"), "{shown}: a pipe; ground truth is read from a file");
    let mut bytes = Vec::new();
    File::open(path).with_context(cannot)?.take(LARGEST + 1).read_to_end(&mut bytes).with_context(cannot)?;
    ensure!(bytes.len() as u64 <= LARGEST, "{shown}: ground truth is limited to {LARGEST} bytes");
    ensure!(!bytes.starts_with(b"\x01\x00"), "{shown}: is a binary trajectory; write it as text");
    let from_one = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FROM_ONE));
    let text = decode(&bytes).replace("\r\n", "\n").replace('\r', "\n");
    ensure!(!text.trim().is_empty(), "{shown}: it is empty; give a box with --box");
    let lines = text.trim_end().split('\n').enumerate();
    lines
        .map(|(place, line)| {
            let region = parse(line, from_one);
            region.map_err(|reason| anyhow!("{shown}, line {}: {:?}: {reason}; {FORMS}", place + 1, start(line.trim())))
        })
        .collect()
}

/// The text of a file: UTF-8, UTF-16 with a byte order mark, or else Latin-1, which takes any
/// bytes.
fn decode(bytes: &[u8]) -> String {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => match str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        },
    }
}

/// The beginning of a line, for a message.
fn start(line: &str) -> String {
    line.chars().take(80).collect()
}

/// A place, or none where the line says that there is no target. Commas, semicolons, tabs and
/// blanks separate numbers.
fn parse(line: &str, from_one: bool) -> Result<Option<Place>, String> {
    let line = line.trim();
    if line.is_empty() {
        return Err("an empty line".into());
    }
    let numbers = line.strip_prefix('m');
    let mut words = Vec::new();
    for field in numbers.unwrap_or(line).trim().split([',', ';']) {
        let before = words.len();
        words.extend(field.split_whitespace());
        if words.len() == before {
            words.push("");
        }
    }
    // One separator at the end is a habit of some tools.
    if words.len() > 1 && words.last() == Some(&"") {
        words.pop();
    }
    if numbers.is_some() { mask(&words) } else { shape(&words, from_one) }
}

/// A rectangle or a polygon; none for a code, numbers that are not finite, and shapes without area.
fn shape(words: &[&str], from_one: bool) -> Result<Option<Place>, String> {
    let values = words.iter().map(|word| number(word)).collect::<Result<Vec<f64>, _>>()?;
    if let [code] = values[..]
        && (code.is_nan() || [0.0, 1.0, 2.0, 3.0].contains(&code))
    {
        return Ok(None);
    }
    let count = values.len();
    if count != 4 && (count < 6 || count % 2 == 1) {
        return Err(format!("{count} numbers"));
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Ok(None);
    }
    if let Some(far) = values.iter().find(|value| value.abs() > FARTHEST) {
        return Err(format!("{far} is no place in a frame"));
    }
    let first = if from_one { 1.0 } else { 0.0 };
    let region = if let [x, y, width, height] = values[..] {
        Region::Rectangle(Rectangle {
            x: (x - first) as f32,
            y: (y - first) as f32,
            width: width as f32,
            height: height as f32,
        })
    } else {
        let corners = values.chunks_exact(2).map(|pair| ((pair[0] - first) as f32, (pair[1] - first) as f32));
        Region::polygon(corners).map_err(|error| error.to_string())?
    };
    let area = region.bounds().is_some_and(|bounds| bounds.width > 0.0 && bounds.height > 0.0);
    Ok(area.then_some(Place::Region(region)))
}

/// A number as it is written by Python, MATLAB, C and Microsoft's C.
fn number(word: &str) -> Result<f64, String> {
    let lower = word.to_ascii_lowercase();
    let digits = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    let quiet = digits.starts_with("nan(") && digits.ends_with(')');
    match digits.strip_prefix("1.#").map(|name| name.trim_end_matches('0')) {
        _ if quiet => Ok(f64::NAN),
        Some("qnan" | "snan" | "ind") => Ok(f64::NAN),
        Some("inf") => Ok(f64::INFINITY),
        _ => lower.parse().map_err(|_| format!("{:?} is not a number", start(word))),
    }
}

/// A mask; none for one without set pixels.
fn mask(words: &[&str]) -> Result<Option<Place>, String> {
    let whole = |word: &&str| {
        let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
        let plain = (1..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let value = word.parse::<i64>().ok().filter(|_| plain);
        value.ok_or_else(|| format!("a mask that holds {:?}, which is no whole number", start(word)))
    };
    let values = words.iter().map(whole).collect::<Result<Vec<i64>, _>>()?;
    let [left, top, width, height, ref runs @ ..] = values[..] else {
        return Err("a mask without its left, top, width and height".into());
    };
    if left.abs().max(top.abs()) as f64 > FARTHEST {
        return Err(format!("a mask at {left},{top}, which is no place in a frame"));
    }
    if runs.iter().chain([&width, &height]).any(|&length| length < 0) {
        return Err("a mask with a negative length".into());
    }
    let pixels = width.saturating_mul(height);
    if pixels > LARGEST_MASK {
        return Err(format!("a mask of {width} x {height} pixels; masks are limited to {LARGEST_MASK} pixels"));
    }
    let covered = runs.iter().fold(0, |sum: i64, &run| sum.saturating_add(run));
    if covered > pixels {
        return Err(format!("runs of {covered} pixels, more than the {width} x {height} of the mask"));
    }
    let set = runs.iter().skip(1).step_by(2).any(|&run| run > 0);
    let numbers = || values.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    Ok(set.then(|| Place::Mask(numbers())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Corpus {
        line: Vec<Line>,
        file: Vec<Whole>,
    }

    #[derive(Deserialize)]
    struct Line {
        text: String,
        #[serde(default)]
        r#box: Vec<f32>,
        #[serde(default)]
        wrong: bool,
    }

    #[derive(Deserialize)]
    struct Whole {
        name: String,
        encoding: String,
        text: String,
        #[serde(default)]
        boxes: Vec<Vec<f32>>,
        wrong: Option<usize>,
    }

    /// Left, top, right and bottom; empty for no target.
    fn bounds(place: Option<&Place>) -> Vec<f32> {
        place.map_or(Vec::new(), |place| {
            let bounds = place.region().unwrap().bounds().unwrap();
            vec![bounds.x, bounds.y, bounds.x + bounds.width, bounds.y + bounds.height]
        })
    }

    fn encoded(text: &str, encoding: &str) -> Vec<u8> {
        match encoding {
            "utf-8" => text.as_bytes().to_vec(),
            "utf-8-sig" => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            "latin-1" => text.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect(),
            "utf-16" => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
            "utf-16-be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_corpus_is_read_as_it_says() {
        let corpus: Corpus = toml::from_str(include_str!("../../../tests/data/ground_truth.toml")).unwrap();
        for Line { text, r#box, wrong } in corpus.line {
            let place = parse(&text, false);
            assert_eq!(place.is_err(), wrong, "{text:?}: {place:?}");
            assert_eq!(bounds(place.unwrap_or_default().as_ref()), r#box, "{text:?}");
        }
        let folder = std::env::temp_dir().join(format!("attrax-truth-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for Whole { name, encoding, text, boxes, wrong } in corpus.file {
            let path = folder.join(&name);
            fs::write(&path, encoded(&text, &encoding)).unwrap();
            match (read(&path), wrong) {
                (Ok(places), None) => {
                    assert_eq!(places.iter().map(|place| bounds(place.as_ref())).collect::<Vec<_>>(), boxes, "{name}");
                }
                (Err(error), Some(line)) => assert!(error.to_string().contains(&format!(", line {line}: ")), "{error}"),
                (read, _) => panic!("{name}: {read:?}"),
            }
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
