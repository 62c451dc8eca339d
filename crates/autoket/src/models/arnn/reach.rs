//! What a network reads and what it costs, found from its plan.

use super::plan::{Step, Work};
use super::{Ansatz, Arnn};
use crate::error::{Error, Result};
use crate::models::configs::rows_and_columns;
use crate::scalar::Scalar;

impl<S: Scalar> Arnn<S> {
    /// Which sites the conditional at a site depends on, `(site,)`; none for a site that there is not.
    ///
    /// Zeros among the weights do not count: it is what the network can read. Nor do constraints of the space, by which
    /// what may follow depends on all sites drawn before.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::ArnnConv1d};
    /// let model = ArnnConv1d::new(Hilbert::spin(0.5, 5)?, 2, 4, 2).build::<f64>()?;
    /// // One site by the first layer, one more by the second.
    /// assert_eq!(model.seen(4), [false, false, true, true, false]);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn seen(&self, site: usize) -> Vec<bool> {
        let n = self.n_positions();
        let mut seen = vec![false; n];
        let mut met = vec![false; self.plan.nodes.len() * n];
        let position = self.positions.get(site).map(|&p| p as usize);
        let mut open: Vec<_> = self
            .heads()
            .filter_map(|node| Some((node, position?)))
            .collect();
        while let Some((node, position)) = open.pop() {
            if std::mem::replace(&mut met[node * n + position], true) {
                continue;
            }
            if node == 0 {
                seen[self.order[position] as usize] = true;
                continue;
            }
            let step = Step {
                node: node as u32,
                position: position as u32,
            };
            self.plan
                .for_each_read(step, |node, position| open.push((node, position)));
        }
        seen
    }

    /// Sites whose conditionals depend on a site, `(site,)`: what a flip there makes to be found anew. As in
    /// [`seen`](Self::seen).
    pub fn affected(&self, site: usize) -> Vec<bool> {
        let n = self.n_positions();
        let mut affected = vec![false; n];
        if let Some(&position) = self.positions.get(site) {
            let (changed, _) = self.after(position as usize);
            for node in self.heads() {
                for (position, &site) in self.order.iter().enumerate() {
                    affected[site as usize] |= changed[node * n + position];
                }
            }
        }
        affected
    }

    /// Products of a weight and an input, both real numbers, that log ψ of one sample is made of.
    ///
    /// Of complex weights and inputs there are four in a product. Activations, and products of features, do
    /// not count.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::ArnnDense};
    /// let model = ArnnDense::new(Hilbert::spin(0.5, 4)?, 2, 3).build::<f64>()?;
    /// // Pairs of sites without and with the site itself, by features in and out.
    /// assert_eq!(model.multiply_adds(), 6 * 3 + 10 * 3 * 2);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn multiply_adds(&self) -> usize {
        let steps = self.plan.steps.iter();
        steps.map(|&step| self.products(step, |_, _| true)).sum()
    }

    /// Those of [`multiply_adds`](Self::multiply_adds) whose input changes where a site is flipped.
    pub fn multiply_adds_of_flip(&self, site: usize) -> usize {
        let position = self.positions.get(site);
        position.map_or(0, |&position| self.after(position as usize).1)
    }

    /// What a site reads, as a picture of a lattice of `[rows, columns]`: `x` the site, `#` what it reads,
    /// `.` what is drawn earlier and not read, blank what is drawn later.
    ///
    /// # Errors
    /// A lattice of another number of sites, or a site that is not on it.
    ///
    /// ```
    /// use autoket::{hilbert::Hilbert, models::ArnnConv2d};
    /// let model = ArnnConv2d::new(Hilbert::spin(0.5, 16)?, 2, 4, [2, 3]).build::<f64>()?;
    /// let picture = "\
    /// ┌─────────┐
    /// │ # # # # │
    /// │ # # # . │
    /// │ # x     │
    /// │         │
    /// └─────────┘
    /// ";
    /// assert_eq!(model.receptive_field([4, 4], 9)?, picture);
    /// # Ok::<(), autoket::Error>(())
    /// ```
    pub fn receptive_field(&self, extent: [usize; 2], site: usize) -> Result<String> {
        let position = self.check_place(extent, site)?;
        let [rows, columns] = extent;
        let seen = self.seen(site);
        let sign = |other: usize| match () {
            () if other == site => 'x',
            () if seen[other] => '#',
            () if (self.positions[other] as usize) < position => '.',
            () => ' ',
        };
        let line = "─".repeat(2 * columns + 1);
        let mut picture = format!("┌{line}┐\n");
        for row in 0..rows {
            picture.push('│');
            for column in 0..columns {
                picture.extend([' ', sign(row * columns + column)]);
            }
            picture.push_str(" │\n");
        }
        picture.push_str(&format!("└{line}┘\n"));
        Ok(picture)
    }

    /// The position of a site of a lattice of `[rows, columns]`.
    ///
    /// # Errors
    /// A lattice of another number of sites, or a site that is not on it.
    pub(super) fn check_place(&self, extent: [usize; 2], site: usize) -> Result<usize> {
        rows_and_columns(&self.hilbert, Some(extent))?;
        let position = self.positions.get(site).map(|&position| position as usize);
        position.ok_or_else(|| {
            Error::invalid(
                "site",
                format!("a site from 0 to {}", self.n_positions() - 1),
                site,
                "count sites row by row, from 0",
            )
        })
    }

    /// What the network costs and reads, in words and as pictures of a lattice of `[rows, columns]`.
    ///
    /// # Errors
    /// A lattice of another number of sites.
    pub fn describe(&self, extent: [usize; 2]) -> Result<String> {
        let [rows, columns] = extent;
        let middle = rows / 2 * columns + columns / 2;
        let picture = self.receptive_field(extent, middle)?;
        let n = self.n_positions();
        let (parameters, free) = (self.layout().n_parameters(), self.layout().n_active());
        let total = self.multiply_adds();
        let flips = (0..n).map(|site| self.multiply_adds_of_flip(site));
        let share = flips.sum::<usize>() as f64 / (n * total.max(1)) as f64;
        let pairs: usize = (0..n)
            .map(|site| self.seen(site).iter().filter(|&&seen| seen).count())
            .sum();
        let (reached, later) = (pairs as f64 / n as f64, (n - 1) as f64 / 2.0);
        let reach = match pairs == n * (n - 1) / 2 {
            true => format!("all later sites, {later:.1} on average"),
            false => format!("{reached:.1} of the {later:.1} later sites on average"),
        };
        let masked = match parameters == free {
            true => "all of them free".to_owned(),
            false => format!("{free} of them free: the others are masked, and stay 0"),
        };
        let constraint = match self.hilbert.is_constrained() {
            true => {
                "constraint        what may follow depends on all sites drawn before, at no multiply-adds\n"
            }
            false => "",
        };
        let mut text = format!(
            "parameters        {parameters}, {masked}\n\
             log ψ             {total} multiply-adds a sample\n\
             flip of a site    changes the conditionals of {reach}, by {:.0}% of the multiply-adds\n\
             {constraint}\
             \n\
             What site {middle} (x) reads (#); drawn earlier and not read (.), drawn later (blank):\n\
             {picture}",
            100.0 * share
        );
        if !self.order.iter().copied().eq(0..n as u32) {
            text.push_str("\nSites are drawn in this order:\n");
            let width = (n - 1).to_string().len() + 1;
            for row in self.positions.chunks(columns) {
                for position in row {
                    text.push_str(&format!("{position:>width$}"));
                }
                text.push('\n');
            }
        }
        Ok(text)
    }

    /// The nodes that hold the wave function.
    pub(super) fn heads(&self) -> impl Iterator<Item = usize> + use<S> {
        let head = self.plan.head;
        std::iter::once(head.amplitude.0).chain(head.phase.map(|node| node.0))
    }

    /// Which nodes change at which positions, `(node, position)`, where the state of one does, and by how many
    /// products of weights and changed inputs.
    fn after(&self, position: usize) -> (Vec<bool>, usize) {
        let n = self.n_positions();
        let mut changed = vec![false; self.plan.nodes.len() * n];
        changed[position] = true;
        let mut products = 0;
        for &step in &self.plan.steps {
            let mut reached = false;
            self.plan.for_each_read(step, |node, position| {
                reached |= changed[node * n + position];
            });
            products += self.products(step, |node, position| changed[node * n + position]);
            changed[step.node as usize * n + step.position as usize] = reached;
        }
        (changed, products)
    }

    /// Products of weights and those inputs of a step that `counts` is true of.
    fn products(&self, step: Step, counts: impl Fn(usize, usize) -> bool) -> usize {
        let node = &self.plan.nodes[step.node as usize];
        let Work::Linear(linear) = &node.work else {
            return 0;
        };
        let inputs = linear.layer.inputs.iter().zip(&linear.sources);
        let products = inputs.map(|(input, source)| {
            let reads = input.reads.get(step.position as usize).iter();
            let counted = reads.filter(|read| counts(source.node, read.from as usize));
            counted.count() * source.width * node.width
        });
        products.sum()
    }
}
