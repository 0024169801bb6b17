// Starts the small pieces that htmx cannot be; without any of them every form still posts and every page still reads.
import { chooseByDropping } from './drop.js';
import { showHeatMap } from './heat.js';
import { takeSecretFromFragment } from './setup.js';
import { uploadInTurn } from './upload.js';

for (const form of document.querySelectorAll('form[data-upload]')) uploadInTurn(form);
for (const form of document.querySelectorAll('form[data-single]')) chooseByDropping(form);
for (const figure of document.querySelectorAll('[data-heat]')) showHeatMap(figure);
takeSecretFromFragment();
