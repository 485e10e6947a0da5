// Sends the form that carries an answer back to an application.
"use strict";

document.querySelector("form[data-send]")?.submit();
