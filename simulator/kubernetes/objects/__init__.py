"""What platforms and operators keep in a cluster's API beside its nodes, workloads and pods.

Forms follow objects of real clusters (``openshift/insights-operator``'s sample archive) and the types of the operators'
own repositories; what a real object leaves out is left out.
"""
