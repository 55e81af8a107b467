//! fc4-fc6: the classifier, drawn again for each target and trained online.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tch::{Device, Kind, Tensor};

use crate::TrackerError;
use crate::backbone::Parameters;
use crate::config::Initialization;

/// Units of fc4 and of fc5.
const UNITS: i64 = 512;
/// Column of the target's score; the background's is column 0.
pub(crate) const TARGET: i64 = 1;
/// Column of the background's score.
pub(crate) const BACKGROUND: i64 = 0;

/// Names of the parameters, in the order of [`Head::parameters`].
pub const PARAMETER_NAMES: [&str; 6] = ["fc4.weight", "fc4.bias", "fc5.weight", "fc5.bias", "fc6.weight", "fc6.bias"];

/// Numbers as they are drawn.
const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

/// Two hidden layers of 512 `ReLU` units and two scores: background and target.
#[derive(Debug)]
pub struct Head {
    /// All parameters one after the other ...
    flat: Tensor,
    /// ... of which these are parts, in the same memory.
    parameters: [Tensor; 6],
}

/// Tensors as one vector, without their history.
pub(crate) fn joined(tensors: &[Tensor]) -> Tensor {
    Tensor::cat(&tensors.iter().map(|tensor| tensor.detach().flatten(0, -1)).collect::<Vec<_>>(), 0)
}

/// Factors that dropout applies to the inputs of fc4, fc5 and fc6: 0 or 2 for each sample and unit.
#[derive(Debug)]
pub struct Dropout([Tensor; 3]);

/// Scores of samples and, for each class, the gradient of its score with respect to the features.
#[derive(Debug)]
pub struct Scored {
    /// `(N, 2)`: background, target.
    pub scores: Tensor,
    /// `(2, N, features)`: the gradient of the background's and of the target's score.
    pub gradients: Tensor,
}

impl Head {
    /// Weights drawn as `initialization` says; `deviation` is that of [`Initialization::Normal`],
    /// and `trained` are weights and biases of fc4 and fc5, which take the place of those drawn.
    #[must_use]
    pub fn random(
        features: i64,
        (initialization, deviation): (Initialization, f64),
        trained: Option<&[Tensor; 4]>,
        kind: Kind,
        device: Device,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let mut layer = |inputs: i64, outputs: i64, bias: f64| {
            let uniform = initialization == Initialization::Uniform;
            let mut draw = |count: i64| -> Tensor {
                let draws: Vec<f32> = if uniform {
                    (0..count).map(|_| rng.random_range(-1.0..=1.0)).collect()
                } else {
                    StandardNormal.sample_iter(&mut *rng).take(count as usize).collect()
                };
                Tensor::from_slice(&draws)
            };
            let scale = match initialization {
                Initialization::Normal => deviation,
                Initialization::He if outputs == 2 => 0.01,
                Initialization::He => (2.0 / inputs as f64).sqrt(),
                Initialization::Uniform => (inputs as f64).sqrt().recip(),
            };
            let weight = draw(inputs * outputs).view([outputs, inputs]) * scale;
            let bias = if uniform { draw(outputs) * scale } else { Tensor::full([outputs], bias, FLOAT) };
            [weight, bias]
        };
        let [[w4, b4], [w5, b5]] = match trained {
            Some(trained) => {
                let [w4, b4, w5, b5] = trained.each_ref().map(Tensor::shallow_clone);
                [[w4, b4], [w5, b5]]
            }
            None => [layer(features, UNITS, 0.1), layer(UNITS, UNITS, 0.1)],
        };
        let [w6, b6] = layer(UNITS, 2, 0.0);
        Self::from_tensors([w4, b4, w5, b5, w6, b6].map(|t| t.to_device(device).to_kind(kind)))
    }

    /// Weights and biases of fc4 and fc5 from a file, if it has any.
    ///
    /// # Errors
    /// [`TrackerError::Weights`] if the file lacks some of them, or one has another shape.
    pub(crate) fn trained(file: &Parameters, features: i64) -> Result<Option<[Tensor; 4]>, TrackerError> {
        let [w4, b4, w5, b5, ..] = PARAMETER_NAMES;
        if !file.has(w4) {
            return Ok(None);
        }
        let shapes: [(&str, &[i64]); 4] =
            [(w4, &[UNITS, features]), (b4, &[UNITS]), (w5, &[UNITS, UNITS]), (b5, &[UNITS])];
        let tensors =
            shapes.into_iter().map(|(name, shape)| file.tensor(name, shape)).collect::<Result<Vec<_>, _>>()?;
        Ok(tensors.try_into().ok())
    }

    /// A head with given parameters, in the order of [`PARAMETER_NAMES`]; weights are `(outputs,
    /// inputs)`.
    #[must_use]
    pub fn from_tensors(parameters: [Tensor; 6]) -> Self {
        Self::of(joined(&parameters), parameters)
    }

    /// A head whose parameters are the parts of a vector, in the shapes of others.
    fn of(flat: Tensor, shapes: [Tensor; 6]) -> Self {
        let mut start = 0;
        let parameters = shapes.map(|parameter| {
            let part = flat.narrow(0, start, parameter.numel() as i64).view(parameter.size().as_slice());
            start += parameter.numel() as i64;
            part.detach().set_requires_grad(true)
        });
        Self { flat, parameters }
    }

    /// All parameters as one vector, in the memory that they are in: to change it changes them.
    pub(crate) fn flat(&self) -> Tensor {
        self.flat.shallow_clone()
    }

    /// The same head, its parameters shared: they cannot be lent to other threads, only given.
    pub(crate) fn share(&self) -> Self {
        Self { flat: self.flat.shallow_clone(), parameters: self.parameters.each_ref().map(Tensor::shallow_clone) }
    }

    /// The same head in another precision.
    pub(crate) fn rounded(&self, kind: Kind) -> Self {
        if self.flat.kind() == kind {
            return self.share();
        }
        Self::of(self.flat.to_kind(kind), self.parameters.each_ref().map(Tensor::shallow_clone))
    }

    /// The parameters, in the order of [`PARAMETER_NAMES`].
    pub fn parameters(&self) -> &[Tensor; 6] {
        &self.parameters
    }

    /// Scores of features without dropout: `(N, features)` to `(N, 2)`.
    pub fn scores(&self, features: &Tensor) -> Tensor {
        let [.., scores] = self.layers(features, None);
        scores
    }

    /// What fc4 and fc5 make of features, after the `ReLU`, and the scores.
    fn layers(&self, features: &Tensor, dropout: Option<&Dropout>) -> [Tensor; 3] {
        let [w4, b4, w5, b5, w6, b6] = &self.parameters;
        let h4 = thinned(features, dropout, 0).linear(w4, Some(b4)).relu();
        let h5 = thinned(&h4, dropout, 1).linear(w5, Some(b5)).relu();
        let scores = thinned(&h5, dropout, 2).linear(w6, Some(b6));
        [h4, h5, scores]
    }

    /// Scores and their gradients at the features, both differentiable with respect to the
    /// parameters.
    ///
    /// The `ReLU` derivatives are constants almost everywhere, so the gradients are products of the
    /// weights and of fixed masks: written out, they can be differentiated once more by an ordinary
    /// backward pass.
    #[must_use]
    pub fn score_with_gradients(&self, features: &Tensor, dropout: Option<&Dropout>) -> Scored {
        let [w4, _, w5, _, w6, _] = &self.parameters;
        let [h4, h5, scores] = self.layers(features, dropout);
        let mask = |h: &Tensor, layer: usize| thinned(&h.detach().gt(0.0).to_kind(h.kind()), dropout, layer);
        let g5 = w6.unsqueeze(1) * mask(&h5, 2);
        let g4 = g5.matmul(w5) * mask(&h4, 1);
        Scored { scores, gradients: thinned(&g4.matmul(w4), dropout, 0) }
    }
}

/// The inputs of a layer, 0 for fc4, with dropout where there is any.
fn thinned(inputs: &Tensor, dropout: Option<&Dropout>, layer: usize) -> Tensor {
    dropout.map_or_else(|| inputs.shallow_clone(), |dropout| inputs * &dropout.0[layer])
}

impl Dropout {
    /// Fresh factors for `samples` samples of `features` features: each unit is kept with
    /// probability 1/2 and doubled.
    #[must_use]
    #[cfg(feature = "internals")]
    pub fn random(samples: i64, features: i64, kind: Kind, device: Device, rng: &mut ChaCha8Rng) -> Self {
        let bits = Self::draw(samples, features, rng);
        let bits = Tensor::from_slice(&bits).to_device(device);
        Self::from_bits(&bits.unsqueeze(0), samples, features, kind).remove(0)
    }

    /// The factors of the inputs of fc4, fc5 and fc6, `(N, units)` each.
    pub(crate) fn of_layers(&self) -> &[Tensor; 3] {
        &self.0
    }

    /// The random bits of the factors, eight units a byte: those of fc4's inputs, of fc5's and of
    /// fc6's.
    pub(crate) fn draw(samples: i64, features: i64, rng: &mut ChaCha8Rng) -> Vec<u8> {
        let mut bits = Vec::new();
        for units in [features, UNITS, UNITS] {
            let start = bits.len();
            bits.resize(start + bytes(samples, units), 0);
            rng.fill(&mut bits[start..]);
        }
        bits
    }

    /// The dropout factors of rows of bits, on the bits' device.
    pub(crate) fn from_bits(bits: &Tensor, samples: i64, features: i64, kind: Kind) -> Vec<Self> {
        let shifts = Tensor::arange(8, (Kind::Uint8, bits.device()));
        let units = bits.unsqueeze(2).bitwise_right_shift(&shifts).bitwise_and(1).flatten(1, 2).to_kind(kind) * 2.0;
        let row = |row: i64| {
            let (units, mut start) = (units.get(row), 0);
            Self([features, UNITS, UNITS].map(|length| {
                let factors = units.narrow(0, start, samples * length).view([samples, length]);
                start += 8 * bytes(samples, length) as i64;
                factors
            }))
        };
        (0..bits.size()[0]).map(row).collect()
    }
}

/// Bytes that hold a bit for each unit of each sample.
fn bytes(samples: i64, units: i64) -> usize {
    ((samples * units + 7) / 8) as usize
}
