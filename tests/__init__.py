"""The tests of Dacheng; the folders mirror `platform/`."""
