#!/bin/sh
# Put a Chromium and a Chinese font there for the browser tests where that can be done without
# asking anybody; elsewhere say plainly what will be skipped.
set -u

have_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
have_font() { command -v fc-list && [ -n "$(fc-list :lang=zh-cn family)" ]; }

have_browser >/dev/null 2>&1 && have_font >/dev/null 2>&1 && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing chromium and fonts-noto-cjk for the browser tests …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends chromium fontconfig fonts-noto-cjk >/dev/null
fi

have_browser >/dev/null 2>&1 ||
  echo "No Chromium here: tests marked 'browser' will be skipped (Debian: apt-get install chromium)."
have_font >/dev/null 2>&1 ||
  echo "No Chinese font here: pictures will show boxes (Debian: apt-get install fonts-noto-cjk)."
exit 0
