//! Sorting more than fits into memory: sorted runs in temporary files, merged while they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// What is sorted: values of a fixed size.
pub(super) trait Fixed: Ord + Sized {
    /// How many bytes one takes in a file.
    const SIZE: usize;
    /// Writes itself into that many bytes.
    fn put(&self, bytes: &mut [u8]);
    /// Reads itself from them.
    fn take(bytes: &[u8]) -> Self;
}

/// Takes values and gives them back in order; beyond `capacity` of them they go to temporary files.
pub(super) struct Sorter<T> {
    buffer: Vec<T>,
    capacity: usize,
    runs: Vec<File>,
    scratch: PathBuf,
}

impl<T: Fixed> Sorter<T> {
    pub(super) fn new(scratch: &Path, capacity: usize) -> Self {
        Self {
            buffer: Vec::new(),
            capacity: capacity.max(1),
            runs: Vec::new(),
            scratch: scratch.to_owned(),
        }
    }

    pub(super) fn push(&mut self, value: T) -> Result<()> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        if self.buffer.capacity() == 0 {
            // All of it at once: growing step by step would hold the old and the new one while it copies.
            self.buffer.reserve_exact(self.capacity);
        }
        self.buffer.push(value);
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.buffer.sort_unstable();
        let mut write = || -> io::Result<File> {
            let mut out = BufWriter::new(tempfile::tempfile_in(&self.scratch)?);
            let mut bytes = vec![0; T::SIZE];
            for value in self.buffer.drain(..) {
                value.put(&mut bytes);
                out.write_all(&bytes)?;
            }
            let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok(file)
        };
        let file = write().map_err(|error| failed(&self.scratch, error))?;
        self.runs.push(file);
        Ok(())
    }

    /// The values in order.
    pub(super) fn sorted(mut self) -> Result<Sorted<T>> {
        self.buffer.sort_unstable();
        let mut sorted = Sorted {
            runs: self.runs.into_iter().map(BufReader::new).collect(),
            memory: self.buffer.into_iter(),
            heap: BinaryHeap::new(),
            scratch: self.scratch,
            bytes: vec![0; T::SIZE],
            values: PhantomData,
        };
        for run in 0..=sorted.runs.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }
}

/// The merged runs.
pub(super) struct Sorted<T> {
    runs: Vec<BufReader<File>>,
    memory: std::vec::IntoIter<T>,
    heap: BinaryHeap<Reverse<(T, usize)>>,
    scratch: PathBuf,
    bytes: Vec<u8>,
    values: PhantomData<T>,
}

impl<T: Fixed> Sorted<T> {
    /// Puts the next value of a run on the heap; the last run is what stayed in memory.
    fn refill(&mut self, run: usize) -> Result<()> {
        let next = match self.runs.get_mut(run) {
            None => self.memory.next(),
            Some(file) => match file.read_exact(&mut self.bytes) {
                Ok(()) => Some(T::take(&self.bytes)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
                Err(error) => return Err(failed(&self.scratch, error)),
            },
        };
        if let Some(value) = next {
            self.heap.push(Reverse((value, run)));
        }
        Ok(())
    }

    /// The next value in order.
    pub(super) fn next(&mut self) -> Result<Option<T>> {
        let Some(Reverse((value, run))) = self.heap.pop() else {
            return Ok(None);
        };
        self.refill(run)?;
        Ok(Some(value))
    }
}

fn failed(scratch: &Path, error: io::Error) -> Error {
    Error::machine("a temporary file cannot be written")
        .at(scratch.display())
        .caused_by(error)
        .hint("free some space there, or choose another folder with --state")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Fixed for u64 {
        const SIZE: usize = 8;
        fn put(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.to_be_bytes());
        }
        fn take(bytes: &[u8]) -> Self {
            u64::from_be_bytes(bytes.try_into().unwrap())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn runs_merge_into_order(mut values in proptest::collection::vec(any::<u64>(), 0..60), capacity in 1_usize..20) {
            let mut sorter = Sorter::new(&std::env::temp_dir(), capacity);
            for value in &values {
                sorter.push(*value).unwrap();
            }
            let mut sorted = sorter.sorted().unwrap();
            let mut found = Vec::new();
            while let Some(value) = sorted.next().unwrap() {
                found.push(value);
            }
            values.sort_unstable();
            prop_assert_eq!(found, values);
        }
    }
}
