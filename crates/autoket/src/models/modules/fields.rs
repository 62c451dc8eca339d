//! The networks by their fields.

use super::cache::Cache;
use crate::error::Result;
use crate::models::{
    ArnnConv1d, ArnnConv2d, ArnnDense, ArnnGatedConv2d, ArnnSequential, Design, GruNet1d, LstmNet,
    TensorGru2d,
};

/// A network that is a module by way of its design.
pub trait Designed: Clone + Send + Sync + 'static {
    /// The name of the class.
    fn class(&self) -> &'static str;
    /// The fields, for display.
    fn fields(&self) -> Vec<(&'static str, String)>;
    /// What it is made of.
    ///
    /// # Errors
    /// Fields that do not fit each other.
    fn design(&self) -> Result<Design>;
}

/// A network that the reference has in a form with a cache.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no cache: NetKet's networks have one",
    note = "its method `conditional` works without; `Autoregressive::sample` draws faster than either"
)]
pub trait Cached: Designed {
    /// The name of that form's class.
    const CLASS: &'static str;
    /// The form of a layer's cache, by its number and whether it reads σ.
    fn cache(&self, layer: usize, is_first: bool) -> Cache;
}

macro_rules! designed {
    ($network:ident, $class:expr, $design:expr, $($field:ident $format:literal),+ $(,)?) => {
        impl Designed for $network {
            fn class(&self) -> &'static str {
                let class: fn(&Self) -> &'static str = $class;
                class(self)
            }
            fn fields(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($field), format!($format, self.$field))),+]
            }
            fn design(&self) -> Result<Design> {
                let design: fn(&Self) -> Result<Design> = $design;
                design(self)
            }
        }
    };
}

macro_rules! masked {
    ($network:ident, $class:literal, $($own:ident),*) => {
        designed!(
            $network, |_| $class, |this| this.sequential()?.design(),
            hilbert "{}", layers "{}", features "{}", $($own "{:?}",)* activation "{:?}", use_bias "{}",
            param_dtype "{}", precision "{:?}", kernel_init "{:?}", bias_init "{:?}", machine_pow "{}",
            order "{:?}", phase "{}",
        );
    };
}

macro_rules! recurrent {
    ($network:ident, $class:literal, $fast:literal) => {
        designed!(
            $network, |_| $class, |this| this.sequential()?.design(),
            hilbert "{}", layers "{}", features "{}", recurrence "{:?}", param_dtype "{}", precision "{:?}",
            kernel_init "{:?}", bias_init "{:?}", machine_pow "{}", phase "{}",
        );
        impl Cached for $network {
            const CLASS: &'static str = $fast;
            fn cache(&self, _: usize, _: bool) -> Cache {
                Cache::Memories
            }
        }
    };
}

masked!(ArnnDense, "ARNNDense",);
masked!(ArnnConv1d, "ARNNConv1D", kernel_size, kernel_dilation);
masked!(
    ArnnConv2d,
    "ARNNConv2D",
    extent,
    kernel_size,
    kernel_dilation
);
recurrent!(LstmNet, "LSTMNet", "FastLSTMNet");
recurrent!(GruNet1d, "GRUNet1D", "FastGRUNet1D");
designed!(
    ArnnGatedConv2d, |_| "ARNNGatedConv2D", Self::design,
    hilbert "{}", extent "{:?}", layers "{}", features "{}", kernel_size "{:?}", param_dtype "{}",
    precision "{:?}", kernel_init "{:?}", bias_init "{:?}", machine_pow "{}", order "{:?}", phase "{}",
);
designed!(
    TensorGru2d, |_| "TensorGRU2D", Self::design,
    hilbert "{}", extent "{:?}", features "{}", param_dtype "{}", precision "{:?}", kernel_init "{:?}",
    bias_init "{:?}", machine_pow "{}", order "{:?}", phase "{}",
);
designed!(
    ArnnSequential, |this| this.class, Self::design,
    hilbert "{}", layers "{:?}", activation "{:?}", param_dtype "{}", precision "{:?}", machine_pow "{}",
    order "{:?}", phase "{}",
);

impl Designed for Design {
    fn class(&self) -> &'static str {
        self.class
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("hilbert", self.network.hilbert().to_string()),
            ("param_dtype", self.param_dtype.to_string()),
            ("precision", format!("{:?}", self.precision)),
            ("machine_pow", self.machine_pow.to_string()),
            ("order", format!("{:?}", self.network.order())),
            ("phase", self.head.phase.is_some().to_string()),
        ]
    }

    fn design(&self) -> Result<Design> {
        Ok(self.clone())
    }
}

impl Cached for ArnnDense {
    const CLASS: &'static str = "FastARNNDense";

    fn cache(&self, _: usize, _: bool) -> Cache {
        Cache::Sites(self.hilbert.n_sites())
    }
}

impl Cached for ArnnConv1d {
    const CLASS: &'static str = "FastARNNConv1D";

    fn cache(&self, _: usize, is_first: bool) -> Cache {
        // The first kernel has an entry less, and its last one a dilation's distance to the site.
        let last = if is_first {
            0
        } else {
            self.kernel_dilation - 1
        };
        let entries = self.kernel_size - usize::from(is_first);
        Cache::Window(entries * self.kernel_dilation - last)
    }
}

impl Cached for ArnnConv2d {
    const CLASS: &'static str = "FastARNNConv2D";

    fn cache(&self, _: usize, _: bool) -> Cache {
        let n_sites = self.hilbert.n_sites();
        let columns = self.extent.map_or(n_sites.isqrt(), |extent| extent[1]);
        let rows = (self.kernel_size[0] - 1) * self.kernel_dilation[0] + 1;
        Cache::Rows([rows, columns])
    }
}

impl Cached for ArnnSequential {
    const CLASS: &'static str = "FastARNNSequential";

    fn cache(&self, layer: usize, _: bool) -> Cache {
        // A phase has a layer like the last.
        let own = self.layers.get(layer).or(self.layers.last());
        let cache = own.and_then(|layer| layer.cache(&self.hilbert));
        cache.unwrap_or(Cache::Memories)
    }
}
