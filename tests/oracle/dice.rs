//! Choices: a list of numbers that a generator reads from the front. 0 is the simplest choice everywhere, and so is a list
//! that has come to its end, so that a list that shrinks is a case that gets simpler.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Reads choices.
pub struct Dice<'a> {
    choices: &'a [u32],
    at: usize,
}

impl<'a> Dice<'a> {
    pub fn new(choices: &'a [u32]) -> Self {
        Self { choices, at: 0 }
    }

    fn next(&mut self) -> u32 {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        choice
    }

    /// One of 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from((u64::from(self.next()) * n as u64) >> 32).unwrap()
    }

    /// True in `percent` of 100 cases; false is the simpler.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    pub fn one<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.below(of.len())]
    }
}

/// A list of choices that proptest makes and makes simpler.
pub type Choices = Box<dyn ValueTree<Value = Vec<u32>>>;

/// The lists of one seed.
pub struct Source(TestRunner);

impl Source {
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self(TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng))
    }

    /// A list of `length` choices.
    pub fn choices(&mut self, length: usize) -> Choices {
        Box::new(vec(any::<u32>(), length / 2..=length).new_tree(&mut self.0).unwrap())
    }
}
