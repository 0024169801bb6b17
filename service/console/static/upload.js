// Several pictures, one after another, each with its progress; what fails says why and can be tried again.
import { onDrop } from './drop.js';

const nameOf = (file) => file.name.replace(/\.[^.]*$/, '').replace(/[_-]+/g, ' ').trim() || 'Untitled';

/** Turns the upload form into a queue. */
export function uploadInTurn(form) {
  const input = form.querySelector('input[type=file]');
  const list = form.querySelector('.queue');
  const waiting = [];
  let busy = false;

  const add = (files) => {
    for (const file of files) {
      const title = files.length === 1 && form.elements.title.value.trim();
      const item = draw(list, title || nameOf(file));
      waiting.push({ file, item, title: title || nameOf(file), embargo: form.elements.embargo.value });
    }
    list.hidden = false;
    form.elements.title.value = '';
    next();
  };

  const next = async () => {
    if (busy) return;
    const job = waiting.shift();
    if (!job) return;
    busy = true;
    await send(form, job, () => { waiting.push(job); next(); });
    busy = false;
    next();
  };

  onDrop(form.querySelector('[data-drop]'), add);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    add([...input.files]);
    input.value = '';
  });
}

function draw(list, title) {
  const item = document.createElement('li');
  const name = document.createElement('span');
  const bar = document.createElement('progress');
  const state = document.createElement('span');
  name.className = 'queue-name';
  name.textContent = title;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute('aria-label', `Uploading ${title}`);
  state.className = 'queue-state';
  state.textContent = 'waiting';
  item.append(name, bar, state);
  list.append(item);
  return { item, bar, state };
}

/** Sends one picture; resolves when it is over, well or not. */
function send(form, job, again) {
  const { item, bar, state } = job.item;
  const body = new FormData();
  body.append('title', job.title);
  if (job.embargo) body.append('embargo_until', `${job.embargo}T00:00:00Z`);
  body.append('file', job.file, job.file.name);
  item.classList.remove('failed');
  item.querySelectorAll('.queue-problem').forEach((old) => old.remove());
  state.textContent = 'uploading';
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', form.dataset.upload);
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    request.addEventListener('loadend', () => {
      if (request.status === 202) {
        item.classList.add('done');
        bar.value = 1;
        state.textContent = 'uploaded';
        document.querySelector('#no-assets')?.remove();
        window.htmx.ajax('GET', form.dataset.list, { target: '#assets', swap: 'innerHTML' });
      } else {
        fail(item, state, problemIn(request), again);
      }
      resolve();
    });
    request.send(body);
  });
}

function problemIn(request) {
  try {
    const { detail, hint } = JSON.parse(request.responseText);
    return { detail, hint };
  } catch {
    return { detail: 'The upload did not get through.', hint: 'Check the connection and try again.' };
  }
}

function fail(item, state, { detail, hint }, again) {
  item.classList.add('failed');
  state.textContent = 'not uploaded';
  const problem = document.createElement('p');
  problem.className = 'queue-problem';
  problem.setAttribute('role', 'alert');
  const strong = document.createElement('strong');
  strong.textContent = detail;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button small quiet';
  button.textContent = 'Try again';
  button.addEventListener('click', again);
  problem.append(strong, ` ${hint} `, button);
  item.append(problem);
}
