"""What tests share: database servers, browsers, readers of the source tree."""
