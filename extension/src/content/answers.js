/**
 * The one listener of the page's side: the extension asks, these modules answer. It holds no token and does no look-up.
 */
(() => {
  const own = /** @type {TelltalePage & { listening?: boolean }} */ (globalThis.telltale ??= {});
  if (own.listening) return;
  own.listening = true;

  /** @type {Record<string, (message: any) => unknown>} */
  const answers = {
    collect: ({ wish }) => own.find.collect(wish),
    settled: () => own.find.settled().then(() => true),
    details: () => own.find.details(),
    view: () => ({ ratio: devicePixelRatio, width: innerWidth, height: innerHeight }),
    where: ({ id }) => where(id),
    lay: ({ order }) => own.sheet.lay(order),
    show: ({ order }) => own.sheet.show(order),
    lift: () => own.sheet.lift(),
    bytes: ({ id }) => own.pixels.bytes(id),
    drawn: ({ id, side }) => own.pixels.drawn(id, side),
    badges: ({ badges, texts }) => own.badges.set(badges, texts),
    clear: () => own.badges.clear(),
    badgeBoxes: () => own.badges.boxes(),
    pick: ({ texts }) => own.region.pick(texts),
    player: ({ id }) => player(id),
    watch: () => own.watch.begin(),
    focus: ({ id }) => focus(id),
  };

  /** @param {number} id */
  function where(id) {
    const element = own.find.entry(id)?.element;
    return element ? own.find.box(element) : null;
  }

  /** @param {number} id How far a video is, and whether it goes on. */
  function player(id) {
    const video = /** @type {HTMLVideoElement | undefined} */ (own.find.entry(id)?.element);
    return { playing: Boolean(video && !video.paused && !video.ended), at: video?.currentTime ?? 0 };
  }

  /** @param {number} id */
  function focus(id) {
    own.find.entry(id)?.element.scrollIntoView({ block: "center", behavior: "instant" }); // a capture may follow
  }

  chrome.runtime.onMessage.addListener((message, sender, reply) => {
    if (sender.id !== chrome.runtime.id || sender.tab || !Object.hasOwn(answers, message?.ask)) return undefined;
    Promise.resolve()
      .then(() => answers[message.ask](message))
      .then((value) => reply({ value: value ?? null }), (error) => reply({ error: String(error?.message ?? error) }));
    return true;
  });
})();
