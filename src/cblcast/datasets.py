"""The bundled samples, and where to get the large data sets."""
