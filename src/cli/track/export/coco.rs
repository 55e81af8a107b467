//! COCO's JSON.

use serde_json::{Value, json};

use super::Tracks;

/// Images, annotations and categories. Numbers of images are those of the frames, counted from 1.
pub fn json(tracks: &Tracks) -> anyhow::Result<String> {
    let images = tracks.frames.iter().map(|frame| {
        json!({ "id": frame.number + 1, "file_name": frame.name, "width": frame.size.0, "height": frame.size.1 })
    });
    let found = tracks.frames.iter().flat_map(|frame| {
        let targets = (1..).zip(&frame.found);
        targets.filter_map(|(target, found)| found.map(|found| (frame.number + 1, target, found)))
    });
    let annotations = (1..).zip(found).map(|(id, (image, target, (b, probability)))| {
        json!({
            "id": id, "image_id": image, "category_id": tracks.class_of(target - 1) + 1, "track_id": target, "iscrowd": 0, "score": probability,
            "bbox": [b.x, b.y, b.width, b.height], "area": b.width * b.height,
        })
    });
    let annotations: Vec<Value> = annotations.collect();
    let categories = (1..).zip(tracks.classes()).map(|(id, name): (usize, _)| json!({ "id": id, "name": name }));
    let whole = json!({
        "info": { "description": tracks.source, "version": env!("CARGO_PKG_VERSION"), "contributor": "attrax" },
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations,
        "categories": categories.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_string(&whole)? + "\n")
}
