"""The plots of the report, by matplotlib: each as SVG in two sizes, in colours that the page sets."""
