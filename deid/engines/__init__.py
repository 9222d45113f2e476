"""One file per outside engine; each class satisfies a Protocol that its stage states."""
