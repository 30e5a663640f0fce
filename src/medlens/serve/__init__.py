"""The hospital side: studies arrive, bundles answer, standard results go back."""
