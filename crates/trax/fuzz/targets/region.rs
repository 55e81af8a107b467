//! Any text as a region: what is accepted can be written, read back, converted and compared.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trax::{Limits, Rectangle, Region, RegionFormat};

fuzz_target!(|text: &str| {
    let limits = Limits::default().mask_pixels(1 << 16).polygon_points(64);
    let Ok(region) = Region::parse(text, &limits) else { return };
    assert!(region.is_finite());
    let written = region.to_string();
    let again = Region::parse(&written, &limits).expect("what is written is read back");
    // Four decimals are kept, so the second time nothing changes any more.
    assert_eq!(again.to_string(), written);
    assert_eq!(again.format(), region.format());
    let near = region.bounds().is_none_or(|r| [r.x, r.y, r.width, r.height].iter().all(|value| value.abs() < 300.0));
    if near {
        for format in [RegionFormat::Rectangle, RegionFormat::Polygon, RegionFormat::Mask] {
            if let Some(converted) = region.to_format(format) {
                assert_eq!(converted.format(), Some(format));
            }
        }
        if let Some(overlap) = region.overlap(&region, None) {
            // A region that covers no pixel overlaps nothing, itself included.
            assert!(overlap == 0.0 || (overlap - 1.0).abs() < 1e-6, "{overlap}");
        }
        let within = Rectangle { x: 0.0, y: 0.0, width: 64.0, height: 48.0 };
        let other = Region::rectangle(10.5, 3.25, 40.0, 30.0);
        if let Some(overlap) = region.overlap(&other, Some(within)) {
            assert!((0.0..=1.0).contains(&overlap), "{overlap}");
        }
    }
});
