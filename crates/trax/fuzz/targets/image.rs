//! Any bytes as an image argument: what is accepted can be written and read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trax::{Image, Limits};

fuzz_target!(|argument: &[u8]| {
    let limits = Limits::default().image_pixels(1 << 16);
    let Ok(image) = Image::from_argument(argument, &limits) else { return };
    if let Image::Memory(memory) = &image {
        let bytes = memory.width() as usize * memory.height() as usize * memory.format().bytes();
        assert_eq!(memory.data().len(), bytes);
    }
    let again = Image::from_argument(&image.to_argument(), &limits).expect("what is written is read back");
    assert_eq!(again, image);
});
