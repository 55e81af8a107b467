//! Gradient descent of the head: momentum, weight decay, a limit on the gradient's norm and
//! separate rates for fc4 and fc6.

use tch::Tensor;

use super::head::{Head, joined};
use crate::config::Config;
use crate::parallel::Workers;
use attrax_kernels::{Work, fuses, in_place, with_vectors};

/// Parameters that a thread steps at a time.
const PART: usize = 64 * 1024;

/// A descent that goes on from step to step.
pub(super) struct Descent<'a> {
    config: &'a Config,
    /// All parameters as one vector, and their velocity.
    parameters: Tensor,
    pub velocity: Tensor,
    /// How many parameters there are of each kind, and their rate, negative: what their velocity is
    /// multiplied by.
    rates: Vec<(usize, f64)>,
    /// The rate of each parameter, if operators need it.
    each_rate: Option<Tensor>,
}

impl<'a> Descent<'a> {
    /// A descent of a head's parameters, which begins with a velocity, or at rest.
    pub fn new(head: &Head, config: &'a Config, rate: f64, velocity: Option<Tensor>) -> Self {
        let parameters = head.flat();
        let (first, last) = (config.head.first_layer_rate, config.head.last_layer_rate);
        let factors = head.parameters().iter().zip([first, 1.0, 1.0, 1.0, last, last]);
        let rates = factors.map(|(part, factor)| (part.numel(), -rate * factor)).collect();
        let velocity = velocity.unwrap_or_else(|| parameters.zeros_like());
        Self { config, parameters, velocity, rates, each_rate: None }
    }

    /// One step along the gradients of the parameters.
    pub fn step(&mut self, gradients: &[Tensor], workers: &Workers) {
        tch::no_grad(|| {
            let gradient = joined(gradients);
            let shrink = self.shrink(&gradient);
            if self.step_at_once(&gradient, &shrink, workers).is_none() {
                self.step_by_operators(gradient, &shrink);
            }
        });
    }

    /// What brings a gradient's norm down to its limit.
    fn shrink(&self, gradient: &Tensor) -> Tensor {
        ((gradient.norm() + 1e-6).reciprocal() * self.config.gradient_limit).clamp_max(1.0)
    }

    /// In one pass over memory, if the parameters are float32 on the CPU and the processor has
    /// fused multiplication and addition.
    fn step_at_once(&mut self, gradient: &Tensor, shrink: &Tensor, workers: &Workers) -> Option<()> {
        if !fuses() {
            return None;
        }
        let (config, rates) = (self.config, &self.rates);
        in_place(
            [&mut self.parameters, &mut self.velocity],
            gradient,
            |[mut parameters, mut velocity], mut gradient| {
                let shrink = shrink.double_value(&[]) as f32;
                let mut parts = Vec::new();
                for (count, rate) in rates {
                    let (of_parameters, of_velocity, of_gradient);
                    (of_parameters, parameters) = std::mem::take(&mut parameters).split_at_mut(*count);
                    (of_velocity, velocity) = std::mem::take(&mut velocity).split_at_mut(*count);
                    (of_gradient, gradient) = gradient.split_at(*count);
                    let chunks =
                        of_parameters.chunks_mut(PART).zip(of_velocity.chunks_mut(PART)).zip(of_gradient.chunks(PART));
                    parts.extend(chunks.map(|((parameters, velocity), gradient)| Step {
                        parameters,
                        velocity,
                        gradient,
                        shrink,
                        decay: config.decay as f32,
                        momentum: config.momentum as f32,
                        rate: *rate as f32,
                    }));
                }
                workers.map(parts, with_vectors);
            },
        )
    }

    /// In all other cases. In place, because a new vector costs more than the arithmetic.
    fn step_by_operators(&mut self, mut gradient: Tensor, shrink: &Tensor) {
        let step = gradient.g_mul_(shrink).g_add_(&(&self.parameters * self.config.decay));
        let _ = self.velocity.g_mul_scalar_(self.config.momentum).g_add_(&step);
        let rates = self.each_rate.get_or_insert_with(|| {
            let like = &self.parameters;
            let of_kind =
                |(count, rate): &(usize, f64)| Tensor::full([*count as i64], *rate, (like.kind(), like.device()));
            Tensor::cat(&self.rates.iter().map(of_kind).collect::<Vec<_>>(), 0)
        });
        let _ = self.parameters.addcmul_(&self.velocity, rates);
    }
}

/// A step of some parameters.
struct Step<'a> {
    parameters: &'a mut [f32],
    velocity: &'a mut [f32],
    gradient: &'a [f32],
    shrink: f32,
    decay: f32,
    momentum: f32,
    rate: f32,
}

impl Work for Step<'_> {
    type Output = ();

    #[expect(clippy::inline_always, reason = "only what is inlined is compiled for wider vectors")]
    #[inline(always)]
    fn run(self) {
        let Self { parameters, velocity, gradient, shrink, decay, momentum, rate } = self;
        for ((parameter, velocity), gradient) in parameters.iter_mut().zip(velocity).zip(gradient) {
            *velocity = *velocity * momentum + (*gradient * shrink + *parameter * decay);
            // Fused, as libtorch does it.
            *parameter = velocity.mul_add(rate, *parameter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Initialization;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use tch::{Device, Kind};

    #[test]
    fn one_pass_steps_as_operators_do() {
        let config = Config { gradient_limit: 5.0, ..Config::attrax() };
        let heads = [0, 1].map(|_| {
            let draw = (Initialization::Normal, 0.01);
            Head::random(20, draw, None, Kind::Float, Device::Cpu, &mut ChaCha8Rng::seed_from_u64(4))
        });
        let [mut at_once, mut by_operators] = heads.each_ref().map(|head| Descent::new(head, &config, 3e-4, None));
        let workers = Workers::new(2);
        for step in 0..5 {
            tch::manual_seed(step);
            let gradients = heads[0].parameters().each_ref().map(|part| part.detach().randn_like());
            at_once.step(&gradients, &workers);
            tch::no_grad(|| {
                let gradient = joined(&gradients);
                let shrink = by_operators.shrink(&gradient);
                by_operators.step_by_operators(gradient, &shrink);
            });
            assert!(at_once.velocity.equal(&by_operators.velocity), "step {step}");
            assert!(at_once.parameters.equal(&by_operators.parameters), "step {step}");
        }
    }
}
