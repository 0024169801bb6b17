// Choosing files by dropping or pasting them; the file button stays what it is.

/** Calls `take(files)` for whatever is dropped on the zone. */
export function onDrop(zone, take) {
  let depth = 0;
  zone.addEventListener('dragenter', (event) => {
    event.preventDefault();
    depth += 1;
    zone.classList.add('over');
  });
  zone.addEventListener('dragover', (event) => event.preventDefault());
  zone.addEventListener('dragleave', () => {
    depth -= 1;
    if (depth <= 0) zone.classList.remove('over');
  });
  zone.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    zone.classList.remove('over');
    if (event.dataTransfer.files.length) take([...event.dataTransfer.files]);
  });
}

/** One picture: dropped, pasted or chosen, and shown small before it is sent. */
export function chooseByDropping(form) {
  const input = form.querySelector('input[type=file]');
  const shown = form.querySelector('.chosen');
  const show = () => {
    const file = input.files[0];
    if (shown.src) URL.revokeObjectURL(shown.src);
    shown.hidden = !file || !file.type.startsWith('image/');
    if (!shown.hidden) shown.src = URL.createObjectURL(file);
  };
  const take = (files) => {
    const transfer = new DataTransfer();
    transfer.items.add(files[0]);
    input.files = transfer.files;
    show();
  };
  input.addEventListener('change', show);
  onDrop(form.querySelector('[data-drop]'), take);
  document.addEventListener('paste', (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
}
