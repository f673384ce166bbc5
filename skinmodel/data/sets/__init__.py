"""The data sets, each as the rows and files that figures are measured on."""
