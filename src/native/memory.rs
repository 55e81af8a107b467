//! The memory of tensors.

use std::slice;

use tch::{Device, Kind, Tensor};

/// Whether the numbers of a tensor `(n, channels, height, width)` lie one behind the other in channels-last order.
fn lies_so(tensor: &Tensor) -> bool {
    let (size, stride) = (tensor.size(), tensor.stride());
    let (&[n, channels, height, width], [by_sample, by_channel, by_row, by_column]) =
        (size.as_slice(), stride.as_slice())
    else {
        return false;
    };
    let axes = [
        (channels, *by_channel, 1),
        (width, *by_column, channels),
        (height, *by_row, channels * width),
        (n, *by_sample, channels * width * height),
    ];
    axes.iter().all(|(length, stride, expected)| *length == 1 || stride == expected)
}

/// The numbers of a tensor `(n, channels, height, width)` of 32 bits that lies on the CPU in channels-last order.
#[must_use]
pub fn channels_last(tensor: &Tensor) -> Option<&[f32]> {
    if tensor.kind() != Kind::Float || tensor.device() != Device::Cpu || !lies_so(tensor) {
        return None;
    }
    if tensor.numel() == 0 {
        return Some(&[]);
    }
    // SAFETY: the numbers are of 32 bits and lie one behind the other from there on. The tensor keeps its memory while it is
    // borrowed; who writes into a tensor owns it or, in libtorch's operators that overwrite, holds it as mutable.
    Some(unsafe { slice::from_raw_parts(tensor.data_ptr().cast::<f32>().cast_const(), tensor.numel()) })
}

/// A new tensor `(n, channels, height, width)` of 32 bits on the CPU, in channels-last order, whose numbers `fill` gives. It must
/// write all of them: before, they are what was in that memory.
pub fn filled([n, channels, height, width]: [i64; 4], fill: impl FnOnce(&mut [f32])) -> Tensor {
    let tensor = Tensor::empty([n, height, width, channels], (Kind::Float, Device::Cpu));
    if tensor.numel() > 0 {
        // SAFETY: libtorch has just allocated so many numbers of 32 bits there, and nobody else has the tensor. Every pattern of
        // bits is a number.
        fill(unsafe { slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) });
    }
    tensor.permute([0, 3, 1, 2])
}
