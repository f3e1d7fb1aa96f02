//! Dominant resource fairness: max-min fairness where everybody needs several resources at once.
//!
//! An agent's *dominant share* is the largest part that it holds of any resource. The rule raises
//! everybody's dominant share together, in proportion to the weights; who needs a resource that is
//! used up stops, the others rise on. Four ways to use it, one rule:
//!
//! * [`Problem::divide`]: tasks may be split, all at once; with limits it stops whom it has served;
//! * [`Incremental`]: the same for standing reports that change one by one;
//! * [`Problem::place`]: whole tasks, one after the other;
//! * [`Arrivals`]: agents arrive one by one and nobody ever gives anything back.
//!
//! **Holds** for divisible tasks: nobody can be given more without somebody getting less (Pareto
//! efficiency), nobody prefers another's bundle, scaled by the weights (envy-freeness), everybody gets
//! at least what its part of the weights would get of every resource (sharing incentive), no false
//! report of a demand or a limit brings more tasks (strategy-proofness, for groups too), and where
//! everybody needs every resource nobody loses when an agent leaves (population monotonicity). For one
//! resource it is max-min fairness.
//!
//! **Does not hold**: with more of one resource somebody may get less (resource monotonicity), and where
//! not everybody needs every resource somebody may lose when another leaves; the total is not the largest. Who appears as several agents gets several shares: weights belong to
//! those whom the caller knows. Capacities are pooled: a division that exists for the pool may not
//! exist for the machines that it is made of. Whole tasks keep less: see [`Problem::place`].
//!
//! **Exact**: demands and capacities are integers. Two numbers are rounded: an agent's *speed*, the
//! tasks that it gains per unit of level, down to steps of 2^-48 or finer, and a level, down to steps of
//! 2^-64. What agents use is summed in integers, so their order never matters, and that no capacity is
//! exceeded follows from integer sums. What comes out is the exact division among weights that are
//! smaller by what a speed was rounded, of capacities that are smaller by less than 2^-62 of themselves
//! for each unit of weight: by less than one unit in all while capacity times total weight is below
//! 2^62. A *saturated* resource is one that decided a level: no remainder is ever compared with zero.
//!
//! **Defined answers**: a zero weight, or a demand for nothing, gets nothing. Who needs a resource of
//! which there is none gets nothing and stops nobody.
//!
//! Sources: A. Ghodsi, M. Zaharia, B. Hindman, A. Konwinski, S. Shenker and I. Stoica, *Dominant
//! resource fairness*, NSDI 2011; zero demands and weights: D. Parkes, A. Procaccia and N. Shah, *Beyond
//! dominant resource fairness*, EC 2012; limits: Weidong Li, X. Liu, X. Zhang and X. Zhang, *Dynamic
//! fair allocation of multiple resources with bounded number of tasks in cloud computing systems*, 2015.
//!
//! ```
//! use mabeam_economics::Amount;
//! use mabeam_economics::division::drf::{Demands, Problem};
//!
//! // NSDI 2011, section 4.1: 9 CPUs and 18 GB; tasks of <1 CPU, 4 GB> and of <3 CPUs, 1 GB>.
//! let demands = Demands::new(2, vec![1, 4, 3, 1])?;
//! let problem = Problem::new(&[9, 18].map(Amount::new), demands)?;
//! let division = problem.divide();
//! let tasks: Vec<f64> = (0..2).filter_map(|who| Some(division.tasks(who)?.to_f64())).collect();
//! assert!((tasks[0] - 3.0).abs() < 1e-15 && (tasks[1] - 2.0).abs() < 1e-15);
//! # Ok::<(), mabeam_economics::Invalid>(())
//! ```

mod arrivals;
mod capacities;
mod filling;
mod incremental;
mod problem;
mod shares;
mod whole_tasks;

pub use arrivals::Arrivals;
pub use capacities::{MAX_CAPACITY, MAX_RESOURCES, MAX_TOTAL_WEIGHT, MAX_WEIGHT};
pub use incremental::{Incremental, Snapshot};
pub use problem::{Demands, Problem};
pub use shares::{Division, WholeUnits};
pub use whole_tasks::Placements;

pub(super) use capacities::{Capacities, Speed};
pub(super) use problem::Measure;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod published;
#[cfg(test)]
mod whole_laws;
