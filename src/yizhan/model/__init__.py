"""The map: values, enums and transition tables that every other folder speaks in."""
