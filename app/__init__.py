"""The Streamlit dashboard over skinmodel."""
