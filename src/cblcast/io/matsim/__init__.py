"""MATSim files: events, network, plans and facilities (https://www.matsim.org), streamed as plain XML."""
