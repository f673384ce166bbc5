"""The networks: their specifications and builders."""
