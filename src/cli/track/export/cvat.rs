//! CVAT for video 1.1: a track for each target.

use std::fmt::Write;

use super::Tracks;

/// The whole document.
pub fn xml(tracks: &Tracks) -> String {
    let name = escaped(&tracks.source);
    let label = |class: &str| format!("<label><name>{}</name><attributes></attributes></label>", escaped(class));
    let labels: String = tracks.classes().into_iter().map(label).collect();
    let last = tracks.frames.last().map_or(0, |frame| frame.number);
    let (width, height) = tracks.frames.first().map_or((0, 0), |frame| frame.size);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n<version>1.1</version>\n<meta><task><name>{name}</name>\
         <size>{}</size><mode>interpolation</mode><start_frame>0</start_frame><stop_frame>{last}</stop_frame>\
         <labels>{labels}</labels>\
         <original_size><width>{width}</width><height>{height}</height></original_size></task></meta>\n",
        last + 1
    );
    for (target, label) in tracks.labels.iter().map(|label| escaped(label)).enumerate() {
        // Writing into a string does not fail.
        let _ = writeln!(text, "<track id=\"{target}\" label=\"{label}\" source=\"auto\">");
        let mut shown = None;
        for frame in &tracks.frames {
            let found = frame.found.get(target).copied().flatten();
            let outside = u8::from(found.is_none());
            // A box that is outside stays where it was last seen; before that there is none.
            let Some(b) = found.map(|(b, _)| b).or(shown) else { continue };
            shown = Some(b);
            let (right, bottom) = (b.x + b.width, b.y + b.height);
            let _ = writeln!(
                text,
                "<box frame=\"{}\" keyframe=\"1\" outside=\"{outside}\" occluded=\"0\" xtl=\"{:.2}\" ytl=\"{:.2}\" \
                 xbr=\"{right:.2}\" ybr=\"{bottom:.2}\" z_order=\"0\"></box>",
                frame.number, b.x, b.y
            );
        }
        text += "</track>\n";
    }
    text + "</annotations>\n"
}

/// A text as XML has it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            // XML has no other control characters.
            c if c.is_control() && !"\t\n\r".contains(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn names_are_texts_of_xml() {
        assert_eq!(escaped("a<b> & \"c\"\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
