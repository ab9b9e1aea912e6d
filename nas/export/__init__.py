"""Export a trained candidate as files that do not need nas; one module for each format."""
