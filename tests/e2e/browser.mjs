// Headless Chromium: logs in, consents, and takes pictures of the last page: light and dark, wide and narrow.
import { chromium } from 'playwright-core';

const [url, artefacts] = [process.argv[2], process.env.ARTEFACTS];
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
const page = await browser.newPage({ viewport: { width: 900, height: 640 } });
const problems = [];
// Report only our own page's errors: the server's forms load fonts from other hosts.
const isOurs = (address) => new URL(address || 'about:blank').origin === new URL(page.url()).origin && page.url().includes('/callback');
page.on('console', (message) => { if (message.type() === 'error' && isOurs(message.location().url)) problems.push(message.text()); });
await page.goto(url);
await page.fill('input[name=login]', process.env.LOGIN_AS ?? 'alice');
await page.fill('input[name=password]', 'x');
await page.click('button[type=submit]');
await page.waitForSelector('form:not(:has(input[name=login])) button[type=submit]');
await page.click('button[type=submit]');
await page.waitForSelector('main h1');
const title = await page.textContent('main h1');
if (artefacts) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width: 900, height: 640 });
    await page.screenshot({ path: `${artefacts}/page-${scheme}.png` });
    await page.setViewportSize({ width: 360, height: 640 });
    await page.screenshot({ path: `${artefacts}/page-${scheme}-phone.png` });
  }
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${artefacts}/page.json`, JSON.stringify({ title, problems, address: page.url().replace(/\?.*/, '') }));
}
await browser.close();
