//! Fields of `[model]` that say in which order sites are drawn, and whose memory they read.

use serde::{Deserialize, Serialize};

use super::reader::{Result, Table};
use crate::Error;
use crate::graph::{Graph, order};
use crate::models::Recurrence;

/// The field `order`: a name, or each site once, the first drawn first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OrderConfig {
    /// An order of a lattice of rows and columns.
    Named(OrderName),
    /// Any order.
    Sites(Vec<usize>),
}

/// The orders of [`graph::order`](crate::graph::order).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderName {
    /// Row by row.
    #[default]
    Raster,
    /// Row by row, every other backwards.
    Snake,
    /// Diagonal by diagonal.
    Diagonal,
    /// Along the border, and inwards.
    Spiral,
}

const ORDERS: &[&str] = &["raster", "snake", "diagonal", "spiral"];

impl OrderConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Option<Self>> {
        Ok(match table.node("order") {
            None => None,
            Some(node) if node.is_list() => table.optional("order")?.map(Self::Sites),
            Some(_) => Some(Self::Named(table.named(
                "order",
                ORDERS,
                OrderName::default(),
            )?)),
        })
    }

    /// `order[k]` is the site drawn k-th, of a lattice of `[rows, columns]` if it is one.
    ///
    /// # Errors
    /// A name, and no lattice of rows and columns.
    pub fn sites(&self, extent: Option<[usize; 2]>) -> crate::Result<Vec<usize>> {
        let name = match self {
            Self::Sites(sites) => return Ok(sites.clone()),
            Self::Named(name) => *name,
        };
        let Some(extent) = extent else {
            return Err(Error::invalid(
                "order",
                "a list of sites, where the lattice has no rows and columns",
                format!("{name:?}").to_lowercase(),
                "list all sites, the first drawn first, or take a lattice with `extent = [rows, columns]`",
            ));
        };
        Ok(match name {
            OrderName::Raster => order::raster(extent),
            OrderName::Snake => order::snake(extent),
            OrderName::Diagonal => order::diagonal(extent),
            OrderName::Spiral => order::spiral(extent),
        })
    }
}

/// The fields of recurrent networks that say whose memory a site reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RecurrenceConfig {
    /// A [`Recurrence`] by its name.
    Named {
        /// Which.
        recurrence: RecurrenceName,
        /// The order of a chain.
        #[serde(skip_serializing_if = "Option::is_none")]
        order: Option<OrderConfig>,
    },
    /// NetKet's fields.
    Given {
        /// Each site once, the first drawn first.
        reorder_idx: Vec<usize>,
        /// For each site the sites whose memory it reads; -1: none.
        prev_neighbors: Vec<Vec<i64>>,
    },
}

/// The field `recurrence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecurrenceName {
    /// [`Recurrence::chain`], or in another order [`Recurrence::along`].
    #[default]
    Chain,
    /// [`Recurrence::over`] the lattice.
    Graph,
}

impl RecurrenceConfig {
    pub(super) fn read(table: &Table<'_>) -> Result<Self> {
        let given = ["reorder_idx", "prev_neighbors"].map(|field| table.node(field).is_some());
        if given.contains(&true) {
            for field in ["recurrence", "order"] {
                table.check(
                    table.node(field).is_none(),
                    field,
                    "nothing beside `reorder_idx` and `prev_neighbors`",
                    "they say all: leave this out",
                )?;
            }
            let prev_neighbors: Vec<Vec<i64>> =
                table.required("prev_neighbors", "[[-1], [0], [1]]")?;
            if let Some(item) = prev_neighbors
                .iter()
                .position(|list| list.iter().any(|&j| j < -1))
            {
                let expected = "sites, or -1 for none";
                return Err(table.refuse_item("prev_neighbors", item, expected, ""));
            }
            return Ok(Self::Given {
                reorder_idx: table.required("reorder_idx", "[0, 1, 2]")?,
                prev_neighbors,
            });
        }
        let recurrence =
            table.named("recurrence", &["chain", "graph"], RecurrenceName::default())?;
        let order = OrderConfig::read(table)?;
        table.check(
            order.is_none() || recurrence == RecurrenceName::Chain,
            "order",
            "nothing beside `recurrence = \"graph\"`",
            "a graph has an order of its own; for another give `reorder_idx` and `prev_neighbors`",
        )?;
        Ok(Self::Named { recurrence, order })
    }

    /// For a lattice, of `[rows, columns]` if it is one.
    ///
    /// # Errors
    /// An order that is none of the lattice; neighbours that are not; a graph without enough edges.
    pub fn recurrence(
        &self,
        graph: &Graph,
        extent: Option<[usize; 2]>,
    ) -> crate::Result<Recurrence> {
        match self {
            Self::Named {
                recurrence: RecurrenceName::Graph,
                ..
            } => Recurrence::over(graph),
            Self::Named {
                order: Some(order), ..
            } => Recurrence::along(order.sites(extent)?),
            Self::Named { order: None, .. } => Ok(Recurrence::chain(graph.n_nodes())),
            Self::Given {
                reorder_idx,
                prev_neighbors,
            } => {
                let lists = prev_neighbors.iter().map(|list| {
                    let sites = list.iter().map(|&site| usize::try_from(site).ok());
                    sites.collect()
                });
                Recurrence::new(reorder_idx.clone(), lists.collect())
            }
        }
    }

    /// An error of a network, of the field that the file has.
    pub(super) fn at_its_field(&self, error: Error) -> Error {
        let Error::Invalid { field, .. } = &error else {
            return error;
        };
        let its = match (self, field.as_str()) {
            (Self::Given { .. }, "recurrence") => "reorder_idx",
            (Self::Named { order: Some(_), .. }, "recurrence" | "reorder_idx") => "order",
            (Self::Named { .. }, "graph" | "prev_neighbors") => "recurrence",
            _ => return error,
        };
        error.of_field(its)
    }
}
