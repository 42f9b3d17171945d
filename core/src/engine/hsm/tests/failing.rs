//! When the HSM, its login or its objects go away.
