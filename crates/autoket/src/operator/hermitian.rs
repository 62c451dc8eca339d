//! A stored Hermitian matrix: its diagonal and what lies above it, four bytes an element.
//!
//! Rows and columns are cut into parts, and what lies above the diagonal into tiles of two parts. An element is a word: how
//! many rows it comes after the one before, the number of its value among the common ones, and its column in the part.
//! A product with a tile adds to two parts of the result. Tiles that have no part in common go side by side, in rounds
//! as in a tournament in which each part meets each other one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::sparse::{CHUNKS_PER_LOOK, Columns, Csr, MatrixRows, ROWS_PER_CHUNK, block, chunks};
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// Bits of a word: rows gone on, the value's number, the column.
const STEP_BITS: u32 = 4;
const VALUE_BITS: u32 = 7;
const COLUMN_BITS: u32 = 32 - STEP_BITS - VALUE_BITS;
/// A step without an element: the word's other bits say how many rows it is.
const SKIP: u32 = (1 << STEP_BITS) - 1;
const SKIPPED: u32 = (1 << (32 - STEP_BITS)) - 1;
/// This value's number stands for one that is not common: the next of the tile's own.
const RARE: u32 = N_COMMON as u32;
/// How many values have numbers.
const N_COMMON: usize = (1 << VALUE_BITS) - 1;
/// The least parts of a large matrix: half as many tiles go side by side.
const MIN_PARTS: usize = 64;
/// The least rows of a part, for which it is worth to share work.
const MIN_PART: usize = 4 * ROWS_PER_CHUNK;
/// Rows of parts whose vectors stay in the cache.
const CACHED_PART: usize = 1 << 16;
/// Elements are so many rows from each other in a tile, or more parts would take more words.
const MAX_SPARSE: f64 = 6.0;
/// Words without an element for each with one, where elements are not spread evenly over a tile: as many were met.
const UNEVEN: f64 = 0.2;
/// Places at which rows are looked at for common values, and rows at each.
const SAMPLES: usize = 32;
const ROWS_PER_SAMPLE: usize = 32;

/// A Hermitian matrix.
pub(crate) struct Hermitian<S> {
    diagonal: Vec<f64>,
    /// Rows of a part.
    part: usize,
    /// By their rows' part and then their columns': those on the diagonal, and right of it.
    tiles: Vec<Vec<Tile<S>>>,
    common: Vec<S>,
    /// Of each row x and y in y = A x, side by side: an element is met with both of its row and both of its column.
    pairs: Vec<[S; 2]>,
}

/// Places in a pair.
const X: usize = 0;
const Y: usize = 1;

/// Elements of the rows of one part and the columns of another, by rows.
#[derive(Clone, Default)]
struct Tile<S> {
    words: Vec<u32>,
    rare: Vec<S>,
}

/// Some rows.
struct Strip<S> {
    diagonal: Vec<f64>,
    /// What lies above the diagonal, by the columns' part.
    tiles: Vec<Tile<S>>,
}

/// Memory for a matrix of `n` rows and its products: rows have so many elements beside the diagonal, of so many different
/// values.
pub(crate) fn bytes<S>(n: usize, beside_diagonal: f64, n_values: usize) -> usize {
    let n_parts = n.div_ceil(rows_of_part(n, beside_diagonal)) as f64;
    // Above the diagonal; before some of them more rows are gone on than a word's step: so many if they were spread evenly.
    let elements = beside_diagonal / 2.0;
    let skips = (1.0 - (beside_diagonal / n_parts).min(1.0)).powi(SKIP as i32) + UNEVEN;
    let words = elements * (1.0 + skips) * size_of::<u32>() as f64;
    // Norms of orbits and sums of elements make more values than an operator has.
    let rare = match n_values <= N_COMMON / 2 {
        true => 0.0,
        false => elements * size_of::<S>() as f64,
    };
    let row = size_of::<f64>() + size_of::<[S; 2]>();
    (n as f64 * (row as f64 + words + rare)) as usize
}

/// Rows of a part, of a matrix of `n`, which have so many elements beside the diagonal.
fn rows_of_part(n: usize, beside_diagonal: f64) -> usize {
    let dense = n as f64 / (MAX_SPARSE * beside_diagonal).max(1.0);
    let part = (n / MIN_PARTS).min(CACHED_PART).max(dense as usize);
    let part = part.clamp(MIN_PART, 1 << COLUMN_BITS);
    part.next_multiple_of(ROWS_PER_CHUNK)
}

impl<S: Scalar<Real = f64>> Hermitian<S> {
    /// A matrix of `n` rows, made by them; `watch` is told how many so far.
    ///
    /// # Errors
    /// [`Error::Interrupted`], where it breaks off.
    pub fn new(
        rows: &dyn MatrixRows,
        n: usize,
        watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Self> {
        let sample = Sample::of(rows, n);
        let part = rows_of_part(n, sample.beside_diagonal);
        let n_parts = n.div_ceil(part);
        let mut matrix = Self {
            diagonal: Vec::with_capacity(n),
            part,
            tiles: (0..n_parts)
                .map(|i| vec![Tile::default(); n_parts - i])
                .collect(),
            common: sample.common,
            pairs: Vec::new(),
        };
        let number = |(i, value): (usize, &S)| (bits(*value), i as u32);
        let numbers: HashMap<_, _> = matrix.common.iter().enumerate().map(number).collect();
        for some in chunks(n).chunks(CHUNKS_PER_LOOK) {
            let strips: Vec<_> = some
                .par_iter()
                .map(|chunk| {
                    let rows: Csr<S> = block(rows, chunk.clone(), Columns::FromDiagonal);
                    strip(&rows, chunk.start, part, n_parts, &numbers)
                })
                .collect();
            for (chunk, strip) in some.iter().zip(strips) {
                matrix.diagonal.extend(strip.diagonal);
                let tiles = &mut matrix.tiles[chunk.start / part];
                for (tile, more) in tiles.iter_mut().zip(strip.tiles) {
                    tile.words.extend(more.words);
                    tile.rare.extend(more.rare);
                }
            }
            if watch(some[some.len() - 1].end).is_break() {
                return Err(Error::Interrupted);
            }
        }
        matrix.tiles.par_iter_mut().flatten().for_each(|tile| {
            tile.words.shrink_to_fit();
            tile.rare.shrink_to_fit();
        });
        Ok(matrix)
    }

    /// y = A x.
    pub fn multiply(&mut self, x: &[S], y: &mut [S]) {
        let Self {
            diagonal,
            part,
            tiles,
            common,
            pairs,
        } = self;
        pairs.resize(x.len(), [S::zero(); 2]);
        let parts = pairs.par_chunks_mut(*part).zip(x.par_chunks(*part));
        let rows = diagonal.par_chunks(*part).zip(&*tiles);
        parts.zip(rows).for_each(|((pairs, x), (diagonal, tiles))| {
            for ((pair, &x), &value) in pairs.iter_mut().zip(x).zip(diagonal) {
                *pair = [x, S::new(value, 0.0) * x];
            }
            tiles[0].for_elements(common, |row, column, value| {
                pairs[row][Y] += value * pairs[column][X];
                pairs[column][Y] += conj(value) * pairs[row][X];
            });
        });
        let parts: Vec<_> = pairs.chunks_mut(*part).map(Mutex::new).collect();
        for round in rounds(parts.len()) {
            round.into_par_iter().for_each(|(i, j)| {
                // No other tile of this round has one of these parts.
                let (mut rows, mut columns) = (lock(&parts[i]), lock(&parts[j]));
                let (rows, columns) = (&mut **rows, &mut **columns);
                tiles[i][j - i].for_elements(common, |row, column, value| {
                    let (row, column) = (&mut rows[row], &mut columns[column]);
                    row[Y] += value * column[X];
                    column[Y] += conj(value) * row[X];
                });
            });
        }
        let results = y.par_chunks_mut(*part).zip(pairs.par_chunks(*part));
        results.for_each(|(y, pairs)| {
            for (y, pair) in y.iter_mut().zip(pairs) {
                *y = pair[Y];
            }
        });
    }
}

impl<S: Scalar<Real = f64>> Tile<S> {
    /// Row, column and value of each element.
    #[inline]
    fn for_elements(&self, common: &[S], mut f: impl FnMut(usize, usize, S)) {
        let mut rare = self.rare.iter();
        let mut row = 0;
        for &word in &self.words {
            let step = word >> (32 - STEP_BITS);
            if step == SKIP {
                row += (word & SKIPPED) as usize;
                continue;
            }
            row += step as usize;
            let column = word & ((1 << COLUMN_BITS) - 1);
            let value = match common.get((word >> COLUMN_BITS & RARE) as usize) {
                Some(&value) => value,
                None => *rare.next().expect("as many as were counted"),
            };
            f(row, column as usize, value);
        }
    }

    /// An element so many rows after the one before.
    fn push(&mut self, mut step: usize, column: usize, value: S, numbers: &Numbers) {
        if step >= SKIP as usize {
            self.skip(step);
            step = 0;
        }
        let number = numbers.get(&bits(value)).copied().unwrap_or(RARE);
        if number == RARE {
            self.rare.push(value);
        }
        let word = (step as u32) << (32 - STEP_BITS) | number << COLUMN_BITS | column as u32;
        self.words.push(word);
    }

    /// Goes on so many rows, of which no part has more than fit.
    fn skip(&mut self, step: usize) {
        if step > 0 {
            self.words.push(SKIP << (32 - STEP_BITS) | step as u32);
        }
    }
}

/// The numbers of the common values.
type Numbers = HashMap<[u64; 2], u32>;

fn bits<S: Scalar<Real = f64>>(value: S) -> [u64; 2] {
    [value.re().to_bits(), value.im().to_bits()]
}

fn conj<S: Scalar<Real = f64>>(value: S) -> S {
    S::new(value.re(), -value.im())
}

fn lock<'a, T>(part: &'a Mutex<T>) -> MutexGuard<'a, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows from `first` on, within one part, by their columns' parts.
fn strip<S: Scalar<Real = f64>>(
    rows: &Csr<S>,
    first: usize,
    part: usize,
    n_parts: usize,
    numbers: &Numbers,
) -> Strip<S> {
    let own_part = first / part;
    let mut strip = Strip {
        diagonal: vec![0.0; rows.n_rows()],
        tiles: vec![Tile::default(); n_parts - own_part],
    };
    let mut at = vec![0; strip.tiles.len()];
    for (row, diagonal) in strip.diagonal.iter_mut().enumerate() {
        let (columns, values) = rows.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            let column = column as usize;
            if column == first + row {
                *diagonal = value.re();
            } else if value != S::zero() {
                let tile = column / part - own_part;
                strip.tiles[tile].push(row - at[tile], column % part, value, numbers);
                at[tile] = row;
            }
        }
    }
    // The next rows go on from the end of these.
    for (tile, &at) in strip.tiles.iter_mut().zip(&at) {
        tile.skip(rows.n_rows() - at);
    }
    strip
}

/// What some rows, spread over a matrix, tell of it.
struct Sample<S> {
    /// Elements of a row beside the diagonal.
    beside_diagonal: f64,
    /// The values that are met most above it.
    common: Vec<S>,
}

impl<S: Scalar<Real = f64>> Sample<S> {
    fn of(rows: &dyn MatrixRows, n: usize) -> Self {
        let mut counts: HashMap<[u64; 2], (usize, S)> = HashMap::new();
        let (mut n_rows, mut n_elements) = (0, 0);
        for sample in 0..SAMPLES {
            let first = (sample * n / SAMPLES).min(n.saturating_sub(ROWS_PER_SAMPLE));
            let some = first..n.min(first + ROWS_PER_SAMPLE);
            let some_rows: Csr<S> = block(rows, some, Columns::All);
            n_rows += some_rows.n_rows();
            for row in 0..some_rows.n_rows() {
                let (columns, values) = some_rows.row(row);
                for (&column, &value) in columns.iter().zip(values) {
                    n_elements += usize::from(column as usize != first + row);
                    if column as usize > first + row {
                        counts.entry(bits(value)).or_insert((0, value)).0 += 1;
                    }
                }
            }
        }
        let mut values: Vec<_> = counts.into_iter().collect();
        values.sort_unstable_by_key(|&(bits, (count, _))| (Reverse(count), bits));
        values.truncate(N_COMMON);
        Self {
            beside_diagonal: n_elements as f64 / n_rows as f64,
            common: values.into_iter().map(|(_, (_, value))| value).collect(),
        }
    }
}

/// Pairs i < j of so many, each once, in rounds in which none has two: one stays in its place, the others go round.
fn rounds(n: usize) -> impl Iterator<Item = Vec<(usize, usize)>> {
    let n_places = n.next_multiple_of(2);
    let turning = n_places.saturating_sub(1);
    (0..turning).map(move |round| {
        let facing = (1..n_places / 2).map(move |k| {
            let (a, b) = ((round + k) % turning, (round + turning - k) % turning);
            (a.min(b), a.max(b))
        });
        let pairs = facing.chain([(round, turning)]);
        pairs.filter(|&(_, j)| j < n).collect()
    })
}
