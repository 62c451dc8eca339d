//! Masked two-dimensional convolution (van den Oord et al., arXiv:1601.06759).

use super::masked::{Array, Block, Input, Lists, MaskedLayer, Read};
use super::{Initializer, positive};
use crate::error::{Error, Result};

/// Convolution over a lattice of rows and columns in raster order, seeing rows above and,
/// in its own row, sites to the left and (unless it is exclusive) the site itself.
///
/// y\[r, c, o\] = bias\[o\] + Σ_{a, b, i} mask\[a, b\] kernel\[a, b, i, o\] x\[r - (h-1-a)·dh, c + (b - w/2)·dw, i\],
/// 0 outside the lattice; mask\[a, b\] is 0 in the last row, a = h-1, from b = w/2 (exclusive) or w/2 + 1 on.
/// The kernel is `(h, w, features in, features out)`.
/// NetKet: `MaskedConv2D`.
#[derive(Clone, Debug)]
pub struct MaskedConv2d {
    /// Rows and columns of the lattice.
    pub extent: [usize; 2],
    /// Features in and out.
    pub features: [usize; 2],
    /// Height and width of the kernel.
    pub kernel_size: [usize; 2],
    /// Steps between neighbouring entries of the kernel, along rows and columns of the lattice.
    pub kernel_dilation: [usize; 2],
    /// Is a site's own input left out, as in the first layer of a network?
    pub exclusive: bool,
    /// Is there a bias?
    pub use_bias: bool,
    /// How the kernel begins, before the mask and its correction √(entries/unmasked entries).
    pub kernel_init: Initializer,
    /// How the bias begins.
    pub bias_init: Initializer,
}

impl MaskedConv2d {
    /// The layer.
    ///
    /// # Errors
    /// A zero among the sizes, or a kernel of which the mask leaves nothing.
    pub fn build(self) -> Result<MaskedLayer> {
        let Self {
            extent,
            features,
            kernel_size,
            kernel_dilation,
            exclusive,
            use_bias,
            kernel_init,
            bias_init,
        } = self;
        positive("extent", &extent)?;
        positive("features", &features)?;
        positive("kernel_size", &kernel_size)?;
        positive("kernel_dilation", &kernel_dilation)?;
        let [height, width] = kernel_size;
        super::entries("kernel_size", &[height, width, features[0], features[1]])?;
        super::entries("extent", &extent)?;
        // In C order the last row's masked entries come last.
        let used = (height - 1) * width + (width / 2 + usize::from(!exclusive)).min(width);
        if used == 0 {
            return Err(Error::invalid(
                "kernel_size",
                "a kernel that reads at least one earlier site",
                format!("[{height}, {width}], of which the exclusive mask leaves nothing"),
                "make it at least 2 wide or 2 high",
            ));
        }
        let [rows, columns] = extent;
        let read = |site: usize, t: usize| {
            let up = (height - 1 - t / width) * kernel_dilation[0];
            let left = width / 2 * kernel_dilation[1];
            let (row, column) = (
                site / columns,
                site % columns + t % width * kernel_dilation[1],
            );
            let inside = row >= up && (left..left + columns).contains(&column);
            inside.then(|| Read {
                block: t as u32,
                from: ((row - up) * columns + column - left) as u32,
            })
        };
        let block = features[0] * features[1];
        Ok(MaskedLayer {
            class: "MaskedConv2D",
            lattice: extent.to_vec(),
            features_out: features[1],
            inputs: vec![Input {
                features: features[0],
                reads: (0..rows * columns)
                    .map(|site| (0..used).filter_map(|t| read(site, t)).collect())
                    .collect::<Lists<_>>(),
                blocks: (0..used)
                    .map(|t| Block {
                        first: t * block,
                        stride: features[1],
                    })
                    .collect(),
            }],
            kernel: Array {
                name: "kernel",
                shape: kernel_size.into_iter().chain(features).collect(),
                init: kernel_init,
                key: 1,
            },
            mask: Some(
                (0..height * width * block)
                    .map(|i| i < used * block)
                    .collect(),
            ),
            correction: ((height * width) as f64 / used as f64).sqrt(),
            bias: use_bias.then(|| Array {
                name: "bias",
                shape: vec![features[1]],
                init: bias_init,
                key: 2,
            }),
        })
    }
}
