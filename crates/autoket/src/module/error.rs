//! What can go wrong with modules, by Flax's names.

use super::array::shape_text;

/// A mistake in a module or in how it is called; the messages begin with the name of Flax's error.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// A parameter is missing from `params`.
    #[error(
        "ScopeParamNotFoundError: `params` has no `{name}` at `{scope}`; pass the variables that `init` of this module returns"
    )]
    ScopeParamNotFound {
        /// The parameter.
        name: String,
        /// The path of its module.
        scope: String,
    },
    /// A parameter has another shape than its module makes it.
    #[error(
        "ScopeParamShapeError: `{name}` at `{scope}`: expected shape {}, got {}; pass the variables that `init` returns for these fields and inputs",
        shape_text(.expected),
        shape_text(.got)
    )]
    ScopeParamShape {
        /// The parameter.
        name: String,
        /// The path of its module.
        scope: String,
        /// The shape its module makes.
        expected: Vec<usize>,
        /// The shape in `params`.
        got: Vec<usize>,
    },
    /// A collection that is needed is not there.
    #[error(
        "ScopeCollectionNotFound: `{name}` at `{scope}` is wanted from the collection `{collection}`, which is empty; pass that collection, or make it mutable"
    )]
    ScopeCollectionNotFound {
        /// The collection.
        collection: String,
        /// The variable.
        name: String,
        /// The path of its module.
        scope: String,
    },
    /// A variable is missing from a collection that cannot be changed.
    #[error(
        "ScopeVariableNotFoundError: the collection `{collection}` has no `{name}` at `{scope}`; pass it, or make the collection mutable"
    )]
    ScopeVariableNotFound {
        /// The collection.
        collection: String,
        /// The variable.
        name: String,
        /// The path of its module.
        scope: String,
    },
    /// A write to a collection that cannot be changed.
    #[error(
        "ModifyScopeVariableError: `{name}` at `{scope}` cannot be written, `{collection}` is immutable; name `{collection}` in `mutable`"
    )]
    ModifyScopeVariable {
        /// The collection.
        collection: String,
        /// The variable.
        name: String,
        /// The path of its module.
        scope: String,
    },
    /// Two things in one module have the same name.
    #[error(
        "NameInUseError: {kind} `{name}` in {module}: that name is taken; choose another, or use what has it twice"
    )]
    NameInUse {
        /// `param`, `variable` or `submodule`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The class of the module.
        module: String,
    },
    /// A key is needed and there is no stream to draw it from.
    #[error(
        "InvalidRngError: `{scope}` needs a key of the stream `{stream}`; pass `{stream}` or `params` in `rngs`"
    )]
    InvalidRng {
        /// The stream.
        stream: String,
        /// The path of the module.
        scope: String,
    },
    /// Variables of the form `{params: {params: ...}}`.
    #[error(
        "ApplyScopeInvalidVariablesStructureError: the variables are {{params: {{params: ...}}}}; pass the inner one"
    )]
    ApplyScopeInvalidVariablesStructure,
    /// The module has no such method.
    #[error(
        "ApplyModuleInvalidMethodError: {module} has no method `{method}`; it has {}",
        .known.join(", ")
    )]
    ApplyModuleInvalidMethod {
        /// The class of the module.
        module: String,
        /// What was asked for.
        method: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A scope is used after the call that it was made for.
    #[error(
        "InvalidScopeError: the call that `{scope}` belongs to is over; use a scope only within the method it is passed to, or `bind`"
    )]
    InvalidScope {
        /// The path of the module.
        scope: String,
    },
    /// The value of an array is needed of which only shape and dtype are known.
    #[error(
        "LazyInitError: the value of {what} is needed, but only its shape and dtype are known; initialise with concrete inputs, or let it depend on their shapes alone"
    )]
    LazyInit {
        /// The array.
        what: String,
    },
    /// `perturb` meets a collection that lacks its variable.
    #[error(
        "PerturbationNotFound: the collection `{collection}` is given but has no `{name}` at `{scope}`; leave the collection out, or pass all that `init` returns"
    )]
    PerturbationNotFound {
        /// The collection.
        collection: String,
        /// The perturbation.
        name: String,
        /// The path of its module.
        scope: String,
    },
}
